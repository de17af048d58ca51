"""Rank the articles for one question: the trained scorer over all of them, the vector index for what is nearest."""

from collections.abc import Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kb.corpus import Corpus
from kb.decision import NEAREST, Evidence
from kb.scorer import Support

Floats = NDArray[np.float32]

# An article that is newer than the scorer's last fit is ranked by its nearest wording alone: a cosine above this is
# support, growing to certainty at 1. The cosines of this model's family lie between .75 and 1.
COSINE_FLOOR = 0.88


@dataclass(frozen=True)
class Neighbours:
    """The wordings nearest to the question, best first."""

    cosines: Floats
    keys: list[str]
    best: dict[str, tuple[float, str]]  # article -> its nearest wording's cosine and text


@dataclass(frozen=True)
class Ranking:
    order: list[str]  # article keys, best first
    scores: dict[str, float]
    support: Support
    neighbours: Neighbours
    exact: bool  # the first article has this very wording

    def evidence(self, text: str) -> Evidence:
        """What the decision looks at. Raises IndexError when nothing was ranked."""
        first = self.order[0]
        top = [self.scores[key] for key in self.order[:3]] + [0.0, 0.0]
        cosines = self.neighbours.cosines
        nearest, furthest = (float(cosines[0]), float(cosines[-1])) if len(cosines) else (0.0, 0.0)
        return Evidence(
            support=top[0],
            margin=top[0] - top[1],
            second_margin=top[1] - top[2],
            none=self.support.none,
            nearest_cosine=nearest,
            own_cosine=self.neighbours.best.get(first, (furthest, ""))[0],
            votes=self.neighbours.keys.count(first) / NEAREST,
            characters=self.support.characters,
            sound=self.support.sound,
            length=min(len(text), 60) / 60,
            brevity=min(len(text), 12) / 12,
        )


def rank(corpus: Corpus, support: Support, text: str, vector: Floats, allowed: Set[str]) -> Ranking:
    """Rank the `allowed` article keys for a question with its unit vector [dimension] and the scorer's support."""
    neighbours = _neighbours(corpus, vector)
    scores = {key: score for key, score in support.scores.items() if key in allowed}
    for key in allowed - scores.keys():
        cosine = neighbours.best.get(key, (0.0, ""))[0]
        scores[key] = max(0.0, (cosine - COSINE_FLOOR) / (1 - COSINE_FLOOR))
    exact = corpus.exact(text)
    if exact in scores:
        scores[exact] = max(1.0, *scores.values())
    order = sorted(scores, key=lambda key: (key != exact, -scores[key]))
    return Ranking(order, scores, support, neighbours, exact=exact in scores)


def _neighbours(corpus: Corpus, vector: Floats) -> Neighbours:
    cosines, ids = corpus.index.search(vector, NEAREST)
    found = [corpus.wordings[int(i)] for i in ids]
    best: dict[str, tuple[float, str]] = {}
    for cosine, wording in zip(cosines, found, strict=True):
        best.setdefault(wording.key, (float(cosine), wording.text))
    return Neighbours(cosines, [wording.key for wording in found], best)
