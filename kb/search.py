"""Search over one consistent state of the knowledge base, and the updates that replace that state by a new one.

A `Snapshot` is never changed: a search takes the current one and works on it to its end, an update builds the next
one beside it and swaps the reference. So nothing is ever searched and updated at once (FAISS would crash), and no
search waits.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kb.corpus import Corpus, Vectors
from kb.decision import Gate
from kb.embedding.encoder import Encoder
from kb.ranking import Ranking, rank
from kb.schemas import Answer, ArticleRef, Candidate, Decision, SearchResult, StoredArticle
from kb.scorer import KernelScorer

Floats = NDArray[np.float32]

REMEMBERED_VECTORS = 4096
NEVER_FITTED = -1  # generation of a scorer that fits no state of this database


@dataclass(frozen=True)
class Snapshot:
    corpus: Corpus
    scorer: KernelScorer
    gate: Gate
    scorer_generation: int  # the corpus that the scorer was fitted on

    @property
    def is_stale(self) -> bool:
        """The scorer was fitted on an earlier corpus than the one that is searched."""
        return self.scorer_generation != self.corpus.generation


class SearchEngine:
    """Thread-safe: any number of searches beside one update at a time."""

    def __init__(self, encoder: Encoder, snapshot: Snapshot) -> None:
        self.encoder = encoder
        self.snapshot = snapshot
        self._writing = threading.Lock()
        self._vector = lru_cache(maxsize=REMEMBERED_VECTORS)(self._encode)

    def _encode(self, text: str) -> Floats:
        vector: Floats = self.encoder.encode([text])[0]
        return vector

    def search(
        self, text: str, k: int = 5, within: Iterable[str] | None = None, channel: str | None = None,
        day: date | None = None,
    ) -> SearchResult:  # fmt: skip
        """The articles that answer `text`, best first, and what to do with them.

        Only articles valid on `day` (default: today) and meant for `channel` are candidates. With `within`, only
        those keys are, and the best of them is answered whatever the confidence.
        """
        snapshot, started = self.snapshot, time.perf_counter()
        vector = self._vector(text)
        embedded = time.perf_counter()
        allowed = _allowed(snapshot.corpus, within, channel, day or date.today())
        ranking = rank(snapshot.corpus, snapshot.scorer.support(text, vector), text, vector, allowed)
        decision, confidence = _decide(snapshot.gate, ranking, text, restricted=within is not None)
        candidates = [_candidate(snapshot.corpus, ranking, key) for key in ranking.order[:k]]
        return SearchResult(
            decision=decision,
            confidence=round(confidence, 4),
            candidates=candidates,
            answer=answer_of(snapshot.corpus, candidates[0].key) if decision == "answer" else None,
            index=self.describe(snapshot),
            timings_ms={
                "embed": _milliseconds(started, embedded),
                "rank": _milliseconds(embedded, time.perf_counter()),
            },
        )

    def describe(self, snapshot: Snapshot | None = None) -> dict[str, str | int]:
        """What a stored turn names, so that its search can be repeated."""
        snapshot = snapshot or self.snapshot
        scorer = f"kernel-ridge/{snapshot.scorer_generation}"
        return {"model": self.encoder.model_id, "generation": snapshot.corpus.generation, "scorer": scorer}

    def apply(self, changed: Sequence[StoredArticle], gone: Iterable[str], generation: int) -> None:
        """Take in new versions and removals; searches that begin afterwards see them."""
        with self._writing:
            old = self.snapshot.corpus
            ids = [i for article in changed for i in old.ids.get(article.key, ())]
            known = dict(zip((old.wordings[i].text for i in ids), old.index.vectors(ids), strict=True))
            corpus = old.changed(changed, gone, generation, Vectors(self.encoder, known))
            self.snapshot = replace(self.snapshot, corpus=corpus)

    def adopt(self, scorer: KernelScorer, generation: int, gate: Gate | None = None) -> None:
        """Use a scorer (and a decision) that was fitted on the corpus of `generation`."""
        with self._writing:
            gate = gate or self.snapshot.gate
            self.snapshot = replace(self.snapshot, scorer=scorer, scorer_generation=generation, gate=gate)


def answer_of(corpus: Corpus, key: str) -> Answer:
    """The article as a channel needs it. Raises KeyError when it is not there."""
    article = corpus.articles[key]
    return Answer(
        **article.model_dump(include=set(Answer.model_fields) - {"related"}),
        related=[
            ArticleRef(key=other, question=corpus.articles[other].question)
            for other in article.related
            if other in corpus.articles
        ],
    )


def _allowed(corpus: Corpus, within: Iterable[str] | None, channel: str | None, day: date) -> set[str]:
    keys = corpus.articles.keys() if within is None else set(within) & corpus.articles.keys()
    articles = (corpus.articles[key] for key in keys)
    return {a.key for a in articles if a.is_valid_on(day) and (channel is None or channel in a.channels)}


def _decide(gate: Gate, ranking: Ranking, text: str, restricted: bool) -> tuple[Decision, float]:
    if not ranking.order:
        return "unrecognised", 0.0
    if ranking.exact:
        return "answer", 1.0
    decision, confidence = gate.decide(ranking.evidence(text))
    return ("answer" if restricted else decision), confidence


def _candidate(corpus: Corpus, ranking: Ranking, key: str) -> Candidate:
    article = corpus.articles[key]
    matched = ranking.neighbours.best.get(key, (0.0, article.question))[1]
    score = round(float(np.clip(ranking.scores[key], 0, 1)), 4)
    return Candidate(key=key, question=article.question, matched=matched, score=score, version=article.version)


def _milliseconds(start: float, end: float) -> float:
    return round((end - start) * 1000, 2)
