"""An n-gram language model: interpolated Kneser-Ney with a prior for words that the text hardly has, in ARPA form.

Chen & Goodman, "An empirical study of smoothing techniques for language modeling" (1999), section 3.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

START, END = "<s>", "</s>"
DISCOUNTS = (0.6, 0.8, 0.85)  # of unigrams, bigrams, trigrams
PRIOR_WEIGHT = 0.08


class Vocabulary:
    """Words by number from 1; 0 stands for a word that is not known. `base` is one more than the highest number."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = [START, END, *words]
        self.number = {word: number for number, word in enumerate(self.words, start=1)}
        self.base = len(self.words) + 1


@dataclass(frozen=True)
class Table:
    """Distinct n-grams as numbers in the base of the vocabulary's size, sorted, with their counts or
    probabilities."""

    keys: Ids
    counts: Floats

    @classmethod
    def of(cls, keys: Ids) -> "Table":
        distinct, counts = np.unique(keys, return_counts=True)
        return cls(distinct, counts.astype(float))


class TrigramModel:
    """A trigram model with back-off: probabilities of the n-grams it lists, and what is left for all others.

    `unigram` [base] gives every word's probability by number; bigrams and trigrams are tables of probabilities. The
    first two words of a listed trigram, and its last two, must be listed bigrams.
    """

    def __init__(self, vocabulary: "Vocabulary", unigram: Floats, bigrams: Table, trigrams: Table) -> None:
        self.vocabulary, self.unigram, self.bigrams, self.trigrams = vocabulary, unigram, bigrams, trigrams
        base = vocabulary.base
        history, word = np.divmod(bigrams.keys, base)
        self.bigram_backoff = _backoff(history, bigrams.counts, unigram[word], base)
        self.context = _find(bigrams.keys, trigrams.keys // base)
        tail = _find(bigrams.keys, trigrams.keys % base**2)
        self.trigram_backoff = _backoff(self.context, trigrams.counts, bigrams.counts[tail], len(bigrams.keys))

    def bigram_probabilities(self, keys: Ids) -> Floats:
        """The probability of the second word after the first, for any bigrams."""
        history, word = np.divmod(keys, self.vocabulary.base)
        backed_off = self.bigram_backoff[history] * self.unigram[word]
        return _looked_up(self.bigrams, keys, backed_off)

    def trigram_probabilities(self, keys: Ids) -> Floats:
        """The probability of the third word after the first two, for any trigrams."""
        backed_off = self._backoff_after(keys // self.vocabulary.base) * self.bigram_probabilities(
            keys % self.vocabulary.base**2
        )
        return _looked_up(self.trigrams, keys, backed_off)

    def _backoff_after(self, contexts: Ids) -> Floats:
        places = _find(self.bigrams.keys, contexts)
        return np.where(places >= 0, self.trigram_backoff[np.maximum(places, 0)], 1.0)

    def log_probability(self, words: Sequence[str]) -> float:
        """Natural log of the probability of a sentence, with its end."""
        row = np.array([self.vocabulary.number.get(word, 0) for word in (START, *words, END)], np.int64)
        first = self.bigram_probabilities(row[:1] * self.vocabulary.base + row[1:2])
        keys = (row[:-2] * self.vocabulary.base + row[1:-1]) * self.vocabulary.base + row[2:]
        probabilities = np.concatenate([first, self.trigram_probabilities(keys)])
        return float(np.log(np.maximum(probabilities, 1e-12)).sum())

    def pruned(self, threshold: float) -> "TrigramModel":
        """Without the trigrams whose loss matters least: how often they come times the log of what they gain over
        backing off (Seymore & Rosenfeld 1996) stays below `threshold`."""
        keys, base = self.trigrams.keys, self.vocabulary.base
        first, second = keys // base**2, keys // base
        often = self.unigram[first] * self.bigram_probabilities(second) * self.trigrams.counts
        # A sentence's start is no word with a probability, but every sentence has one.
        often = np.where(first == self.vocabulary.number[START], self.bigram_probabilities(second) * 0.1, often)
        backed_off = self._backoff_after(second) * self.bigram_probabilities(keys % base**2)
        kept = often * np.abs(np.log(self.trigrams.counts / backed_off)) >= threshold
        return TrigramModel(self.vocabulary, self.unigram, self.bigrams, Table(keys[kept], self.trigrams.counts[kept]))

    def write_arpa(self, path: Path) -> None:
        with path.open("w", encoding="utf-8") as file:
            sizes = (len(self.vocabulary.words), len(self.bigrams.keys), len(self.trigrams.keys))
            counts = (f"ngram {order}={size}\n" for order, size in enumerate(sizes, start=1))
            file.write("\\data\\\n" + "".join(counts))
            for order, lines in enumerate(
                (self._unigram_lines(), self._bigram_lines(), self._trigram_lines()), start=1
            ):
                file.write(f"\n\\{order}-grams:\n")
                file.writelines(lines)
            file.write("\n\\end\\\n")

    def _unigram_lines(self) -> Iterator[str]:
        logs, backoffs = _log10(self.unigram), _log10(self.bigram_backoff)
        for number, word in enumerate(self.vocabulary.words, start=1):
            probability = -99.0 if word == START else logs[number]
            yield f"{probability:.4f}\t{word}" + (f"\t{backoffs[number]:.4f}\n" if word != END else "\n")

    def _bigram_lines(self) -> Iterator[str]:
        words, base = self.vocabulary.words, self.vocabulary.base
        backoffs = _log10(self.trigram_backoff)
        for place, (key, log) in enumerate(zip(self.bigrams.keys.tolist(), _log10(self.bigrams.counts), strict=True)):
            first, second = words[key // base - 1], words[key % base - 1]
            yield f"{log:.4f}\t{first} {second}" + (f"\t{backoffs[place]:.4f}\n" if second != END else "\n")

    def _trigram_lines(self) -> Iterator[str]:
        words, base = self.vocabulary.words, self.vocabulary.base
        for key, log in zip(self.trigrams.keys.tolist(), _log10(self.trigrams.counts), strict=True):
            first, rest = divmod(key, base**2)
            second, third = divmod(rest, base)
            yield f"{log:.4f}\t{words[first - 1]} {words[second - 1]} {words[third - 1]}\n"


def estimate(
    vocabulary: Vocabulary,
    sentences: Sequence[Sequence[str]],
    prior: Floats,
    least_bigram: float = 1.0,
    least_trigram: float = 1.0,
) -> TrigramModel:
    """The interpolated Kneser-Ney model of `sentences`; n-grams that occur less often are left out.

    `prior` [base] is mixed into the unigrams, so that words can be heard that the sentences do not have.
    """
    stream = _stream(vocabulary, sentences)
    bigrams, trigrams = _windows(stream, 2, vocabulary.base), _windows(stream, 3, vocabulary.base)
    lower = _continuations(vocabulary, trigrams, bigrams)
    unigram = _unigram(vocabulary, bigrams, prior)
    kept = _kept(lower, least_bigram)
    second = _interpolated_bigrams(kept, lower, unigram, vocabulary.base)
    third = _with_kept_context(_kept(trigrams, least_trigram), kept, vocabulary.base)
    return TrigramModel(vocabulary, unigram, second, _interpolated_trigrams(third, trigrams, second, vocabulary.base))


def _stream(vocabulary: Vocabulary, sentences: Sequence[Sequence[str]]) -> Ids:
    """All sentences in a row of word numbers, two zeros between them."""
    number = vocabulary.number
    row: list[int] = []
    for words in sentences:
        row += [number[START], *(number.get(word, 0) for word in words), number[END], 0, 0]
    return np.array(row, np.int64)


def _unigram(vocabulary: Vocabulary, bigrams: Table, prior: Floats) -> Floats:
    """After how many different words each word comes, discounted, with `prior` mixed in."""
    before = np.bincount(bigrams.keys % vocabulary.base, minlength=vocabulary.base).astype(float)
    discounted = np.maximum(before - DISCOUNTS[0], 0)
    return np.asarray((1 - PRIOR_WEIGHT) * discounted / discounted.sum() + PRIOR_WEIGHT * prior)


def _continuations(vocabulary: Vocabulary, trigrams: Table, bigrams: Table) -> Table:
    """How many words come before each bigram; at the start of a sentence, where none can, how often it occurs."""
    before = Table.of(trigrams.keys % vocabulary.base**2)
    counts = np.zeros(len(bigrams.keys))
    counts[np.searchsorted(bigrams.keys, before.keys)] = before.counts
    starts = bigrams.keys // vocabulary.base == vocabulary.number[START]
    counts[starts] = bigrams.counts[starts]
    return Table(bigrams.keys, np.maximum(counts, 1.0))


def _interpolated_bigrams(kept: Table, everything: Table, unigram: Floats, base: int) -> Table:
    share = _discounted(kept, everything, DISCOUNTS[1], base)
    history, word = np.divmod(kept.keys, base)
    return Table(kept.keys, share + _rest(history, share, base)[history] * unigram[word])


def _interpolated_trigrams(kept: Table, everything: Table, bigrams: Table, base: int) -> Table:
    share = _discounted(kept, everything, DISCOUNTS[2], base)
    context, tail = _find(bigrams.keys, kept.keys // base), _find(bigrams.keys, kept.keys % base**2)
    return Table(kept.keys, share + _rest(context, share, len(bigrams.keys))[context] * bigrams.counts[tail])


def _with_kept_context(trigrams: Table, bigrams: Table, base: int) -> Table:
    kept = _find(bigrams.keys, trigrams.keys // base) >= 0
    kept &= _find(bigrams.keys, trigrams.keys % base**2) >= 0
    return Table(trigrams.keys[kept], trigrams.counts[kept])


def interpolate(models: Sequence[TrigramModel], weights: Sequence[float]) -> TrigramModel:
    """The weighted mean of models over one vocabulary, with all n-grams that any of them lists."""
    bigrams = np.unique(np.concatenate([model.bigrams.keys for model in models]))
    trigrams = np.unique(np.concatenate([model.trigrams.keys for model in models]))
    pairs = list(zip(weights, models, strict=True))
    return TrigramModel(
        models[0].vocabulary,
        np.sum([weight * model.unigram for weight, model in pairs], axis=0),
        Table(bigrams, np.sum([weight * model.bigram_probabilities(bigrams) for weight, model in pairs], axis=0)),
        Table(trigrams, np.sum([weight * model.trigram_probabilities(trigrams) for weight, model in pairs], axis=0)),
    )


def prior_of(vocabulary: Vocabulary, frequencies: Mapping[str, float]) -> Floats:
    """Probabilities [base] by relative frequency; a tenth is spread evenly, so that every character can be heard."""
    size = len(vocabulary.words) - 2
    values = np.array([0.0, 0.0, 0.0, *(frequencies.get(word, 0.0) for word in vocabulary.words[2:])])
    even = np.concatenate([np.zeros(3), np.full(size, 1 / size)])
    return np.asarray(0.9 * values / values.sum() + 0.1 * even) if values.any() else even


def _windows(stream: Ids, order: int, base: int) -> Table:
    """All n-grams of known words in `stream`."""
    count = len(stream) - order + 1
    keys = np.zeros(count, np.int64)
    known = np.ones(count, bool)
    for place in range(order):
        part = stream[place : place + count]
        keys = keys * base + part
        known &= part > 0
    return Table.of(keys[known])


def _kept(table: Table, least: float) -> Table:
    kept = table.counts >= least
    return Table(table.keys[kept], table.counts[kept])


def _find(keys: Ids, wanted: Ids) -> Ids:
    """The place of each of `wanted` in the sorted `keys`, -1 where it is not there."""
    places = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    return np.where(keys[places] == wanted, places, -1) if len(keys) else np.full(len(wanted), -1)


def _looked_up(table: Table, keys: Ids, otherwise: Floats) -> Floats:
    places = _find(table.keys, keys)
    if not len(table.keys):
        return otherwise
    return np.asarray(np.where(places >= 0, table.counts[np.maximum(places, 0)], otherwise))


def _discounted(kept: Table, everything: Table, discount: float, base: int) -> Floats:
    """The discounted share of each kept n-gram in all n-grams of its history."""
    histories, places = np.unique(everything.keys // base, return_inverse=True)
    totals = np.bincount(places, everything.counts, len(histories))
    own = totals[np.searchsorted(histories, kept.keys // base)]
    return np.asarray(np.maximum(kept.counts - discount, 0) / own)


def _rest(history: Ids, share: Floats, size: int) -> Floats:
    """What the shares of each history leave to the lower order."""
    return np.clip(1 - np.bincount(history, share, size), 1e-4, 1)


def _backoff(history: Ids, probability: Floats, lower: Floats, size: int) -> Floats:
    """The weight of the lower order for words that a history does not list, so that all sums to 1."""
    left = 1 - np.bincount(history, probability, size)
    below = 1 - np.bincount(history, lower, size)
    return np.clip(left, 1e-4, 1) / np.clip(below, 1e-4, 1)


def _log10(values: Floats) -> Floats:
    return np.asarray(np.log10(np.maximum(values, 1e-10)))
