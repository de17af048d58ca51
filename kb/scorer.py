"""The supervised scorer: kernel ridge regression from wordings to articles.

The kernel of two texts is a sum of three likenesses: meaning (a Gaussian of the centred sentence vectors), characters
and sound (TF-IDF cosines of character and pinyin runs), so that colloquial, mistyped and misheard wordings each find
support. The fit is exact and takes seconds; questions that no article answers are fitted as a class of their own
("none"), and one that may mean several articles counts for each of them in part. Rifkin, Yeo, Poggio: Regularized
Least-Squares Classification (2003).
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse
from numpy.typing import NDArray

from kb.text import character_grams, sound_grams

Floats = NDArray[np.float32]
Label = Set[str]  # the articles that a text asks for: one, several when it is ambiguous, none when no article answers

NARROWNESS = 3.0  # of the Gaussian over cosines
CHARACTERS_WEIGHT = 0.5
SOUND_WEIGHT = 0.5
RIDGE = 0.3
# Beyond so many wordings the fit uses a fixed sample of them as centres (subset of regressors): cost stays bounded.
MAX_CENTRES = 9000
CHUNK = 1000


class _Lexical:
    """TF-IDF likeness over runs of characters or syllables (as scikit-learn's TfidfVectorizer with sublinear counts,
    which takes longer to check one question than to weigh it)."""

    def __init__(self, grams: Callable[[str], list[str]], texts: Sequence[str]) -> None:
        self._grams = grams
        counts = [Counter(grams(text)) for text in texts]
        texts_with = Counter(gram for count in counts for gram in count)
        self._number = {gram: number for number, gram in enumerate(texts_with)}
        self._rarity = {gram: math.log((1 + len(texts)) / (1 + n)) + 1 for gram, n in texts_with.items()}
        self._known = self._rows(counts).T.tocsr()

    def likeness(self, texts: Sequence[str]) -> Floats:
        """Cosines [len(texts), number of known texts]."""
        product = self._rows([Counter(self._grams(text)) for text in texts]) @ self._known
        return np.asarray(product.toarray(), dtype=np.float32)

    def _rows(self, counts: Sequence[Counter[str]]) -> Any:
        """Sparse unit vectors [len(counts), number of grams]; zero for a text without a known gram."""
        numbers, weights, ends = [], [], [0]
        for count in counts:
            known = [gram for gram in count if gram in self._number]
            row = [(1 + math.log(count[gram])) * self._rarity[gram] for gram in known]
            length = math.hypot(*row) or 1.0
            numbers += [self._number[gram] for gram in known]
            weights += [weight / length for weight in row]
            ends.append(len(numbers))
        shape = (len(counts), len(self._number))
        return scipy.sparse.csr_matrix((np.array(weights, np.float32), numbers, ends), shape)


@dataclass(frozen=True)
class Support:
    """What the wordings say for each article about one question."""

    scores: dict[str, float]  # by article key; near 1 = certain
    none: float  # the same for "no article answers this"
    characters: float  # greatest likeness of characters with any wording
    sound: float  # greatest likeness of sound with any wording


@dataclass(frozen=True)
class _Likeness:
    """Some texts (rows) beside all centres (columns)."""

    kernel: Floats
    characters: Floats
    sound: Floats


class KernelScorer:
    """Immutable once fitted, and safe to use from several threads."""

    def __init__(self, keys: list[str], texts: list[str], mean: Floats, centres: Floats) -> None:
        self.keys = keys  # article of each column
        self.texts = texts  # the centres' wordings
        self._mean = mean
        self._centres = centres  # centred unit vectors [len(texts), d]
        self._characters = _Lexical(character_grams, texts)
        self._sound = _Lexical(sound_grams, texts)
        self._weights = np.zeros((len(texts), len(keys) + 1), np.float32)  # the last column is "none"

    @classmethod
    def fit(cls, texts: Sequence[str], vectors: Floats, labels: Sequence[Label]) -> "KernelScorer":
        """Fit texts to the articles that they ask for.

        vectors: float32 [len(texts), d], unit length. Raises ValueError when there is nothing to fit.
        """
        return cls.cross_fit(texts, vectors, labels, ())[0]

    @classmethod
    def cross_fit(
        cls, texts: Sequence[str], vectors: Floats, labels: Sequence[Label], folds: Sequence[Sequence[int]]
    ) -> tuple["KernelScorer", list[list[Support]]]:
        """Fit as `fit` does, and give for each text of each fold its support by a scorer without that fold's labels.

        folds: positions in `texts`. One fit serves all folds: with S the matrix that maps targets to predictions, the
        predictions for a fold H without H are y_H - (I - S_HH)^-1 (y_H - f_H) (Rifkin and Lippert: Notes on
        Regularized Least Squares, 2007, give it for one text at a time).
        """
        if not texts:
            raise ValueError("a scorer needs at least one wording")
        chosen = cls._choose_centres(len(texts))
        keys = sorted(set().union(*labels))
        mean = vectors.mean(axis=0)
        scorer = cls(keys, [texts[i] for i in chosen], mean, _centred(vectors[chosen], mean))
        targets = scorer._targets(labels)
        # One target more for each held-out text: its solution tells what that text's own label does to every other.
        held_out = np.array([i for fold in folds for i in fold], np.int64)
        own = np.zeros((len(texts), len(held_out)), np.float32)
        own[held_out, np.arange(len(held_out))] = 1.0
        solution = scorer._solve(texts, vectors, np.hstack([targets, own]), chosen)
        weights, influences = np.hsplit(solution, [targets.shape[1]])
        scorer._weights = np.ascontiguousarray(weights)
        supports, end = [], 0
        for fold in folds:
            rows, influence = np.array(fold, np.int64), influences[:, end : end + len(fold)]
            end += len(fold)
            likeness = scorer._likeness([texts[i] for i in rows], vectors[rows])
            scores = _without(targets[rows], likeness.kernel @ weights, likeness.kernel @ influence)
            supports.append(scorer._supports(scores, likeness, np.flatnonzero(~np.isin(chosen, rows))))
        return scorer, supports

    def state(self) -> dict[str, Floats]:
        """What `restore` needs beside texts and keys."""
        return {"mean": self._mean, "centres": self._centres, "weights": self._weights}

    @classmethod
    def restore(cls, texts: list[str], keys: list[str], state: dict[str, Floats]) -> "KernelScorer":
        scorer = cls(keys, texts, state["mean"], state["centres"])
        scorer._weights = np.ascontiguousarray(state["weights"])
        return scorer

    @staticmethod
    def _choose_centres(count: int) -> NDArray[np.int64]:
        if count <= MAX_CENTRES:
            return np.arange(count)
        return np.sort(np.random.default_rng(0).choice(count, MAX_CENTRES, replace=False))

    def _targets(self, labels: Sequence[Label]) -> Floats:
        columns = len(self.keys) + 1  # the last one is "none"
        column = {key: i for i, key in enumerate(self.keys)}
        targets = np.full((len(labels), columns), -1.0 / columns, np.float32)
        for row, label in zip(targets, labels, strict=True):
            row[[column[key] for key in label] or columns - 1] = 1.0 / max(len(label), 1)
        return targets

    def _solve(self, texts: Sequence[str], vectors: Floats, targets: Floats, centres: NDArray[np.int64]) -> Floats:
        if len(centres) == len(texts):
            kernel = np.vstack([block for _, block in self._kernel_blocks(texts, vectors)])
            kernel[np.diag_indices_from(kernel)] += RIDGE
            return _solve_positive(kernel, targets)
        gram = np.zeros((len(centres), len(centres)), np.float32)
        right = np.zeros((len(centres), targets.shape[1]), np.float32)
        for rows, block in self._kernel_blocks(texts, vectors):
            gram += block.T @ block
            right += block.T @ targets[rows]
        for rows, block in self._kernel_blocks(self.texts, vectors[centres]):
            gram[rows] += RIDGE * block
        gram[np.diag_indices_from(gram)] += 1e-3  # numerical safety: the sample's kernel may be singular
        return _solve_positive(gram, right)

    def _kernel_blocks(self, texts: Sequence[str], vectors: Floats) -> Iterator[tuple[slice, Floats]]:
        for start in range(0, len(texts), CHUNK):
            rows = slice(start, start + CHUNK)
            yield rows, self._likeness(texts[rows], vectors[rows]).kernel

    def _likeness(self, texts: Sequence[str], vectors: Floats) -> _Likeness:
        cosines = _centred(vectors, self._mean) @ self._centres.T
        characters, sound = self._characters.likeness(texts), self._sound.likeness(texts)
        kernel = np.exp(NARROWNESS * (cosines - 1)) + CHARACTERS_WEIGHT * characters + SOUND_WEIGHT * sound
        return _Likeness(kernel, characters, sound)

    def support(self, text: str, vector: Floats) -> Support:
        """Evidence for every article about one question; vector: float32 [d], unit length."""
        return self.supports([text], vector.reshape(1, -1))[0]

    def supports(self, texts: Sequence[str], vectors: Floats) -> list[Support]:
        """The same for many questions at once; vectors: float32 [len(texts), d]."""
        if not texts:
            return []
        likeness = self._likeness(texts, vectors)
        return self._supports(likeness.kernel @ self._weights, likeness, slice(None))

    def _supports(self, scores: Floats, likeness: _Likeness, compared: NDArray[np.int64] | slice) -> list[Support]:
        """From scores [texts, keys + 1] and the likeness with those centres that may count."""
        characters = likeness.characters[:, compared].max(axis=1)
        sound = likeness.sound[:, compared].max(axis=1)
        return [
            Support(dict(zip(self.keys, row[:-1], strict=True)), row[-1], *greatest)
            for row, *greatest in zip(scores.tolist(), characters.tolist(), sound.tolist(), strict=True)
        ]


def _without(targets: Floats, predicted: Floats, smoother: Floats) -> Floats:
    """Predictions for some texts [n, columns] had their targets not been taught; smoother: S of these texts [n, n]."""
    influence = np.eye(len(targets)) - smoother
    return targets - np.linalg.solve(influence, targets - predicted).astype(np.float32)


def _centred(vectors: Floats, mean: Floats) -> Floats:
    moved = vectors - mean
    centred: Floats = moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
    return centred


def _solve_positive(matrix: Floats, right: Floats) -> Floats:
    factor: Any = scipy.linalg.cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
    return np.ascontiguousarray(scipy.linalg.cho_solve(factor, right, check_finite=False), np.float32)
