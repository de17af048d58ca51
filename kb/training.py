"""Fit the scorer on all wordings, and calibrate the decision on questions that it has not seen."""

import itertools
from collections.abc import Sequence, Set

import numpy as np

from core.problems import InvalidInput
from kb.corpus import Corpus, Floats, Vectors, Wording
from kb.decision import CLARIFY_WITH, Example, fit_gate
from kb.questions import CALIBRATION, NEGATIVES, LabelledQuestion, read_questions
from kb.ranking import rank
from kb.schemas import StoredArticle
from kb.scorer import NONE, KernelScorer, Support
from kb.search import Snapshot

FOLDS = 3


def build_snapshot(articles: Sequence[StoredArticle], generation: int, vectors: Vectors) -> Snapshot:
    """A whole snapshot, scorer and calibration included (half a minute for 6,000 new wordings, nearly all of it for
    their vectors, which are kept in `vectors`).

    The decision is calibrated by cross-fitting: each negative is judged as by a scorer that was fitted without it.
    Raises InvalidInput when there is no article.
    """
    if not articles:
        raise InvalidInput("the knowledge base is empty: import articles first")
    corpus = Corpus.build(articles, generation, vectors)
    scorer, examples = _cross_fit(corpus, vectors)
    return Snapshot(corpus, scorer, fit_gate(examples), generation)


def _cross_fit(corpus: Corpus, vectors: Vectors) -> tuple[KernelScorer, list[Example]]:
    """The scorer on everything, and each calibration question judged as one that it has not seen."""
    asked = [question for question in read_questions(CALIBRATION) if question.key in corpus.articles]
    held_back = _held_back(corpus, {question.key for question in asked})
    texts, matrix, labels = _labelled(corpus, vectors)
    folds = _folds([*held_back, *range(len(corpus.wordings), len(texts))])
    scorer, supports = KernelScorer.cross_fit(texts, matrix, labels, folds)
    judged = [LabelledQuestion(texts[i], labels[i] or None) for fold in folds for i in fold] + asked
    asked_texts = [question.text for question in asked]
    given = [*itertools.chain(*supports), *scorer.supports(asked_texts, vectors.of(asked_texts))]
    ids = list(corpus.wordings)
    seen = corpus.without([ids[place] for place in held_back])
    return scorer, [_example(seen, support, question, vectors) for support, question in zip(given, judged, strict=True)]


def _folds(places: Sequence[int]) -> list[list[int]]:
    fold_of = np.random.default_rng(0).integers(0, FOLDS, len(places))
    return [[place for place, its in zip(places, fold_of, strict=True) if its == fold] for fold in range(FOLDS)]


def _held_back(corpus: Corpus, known: Set[str | None]) -> list[int]:
    """Places of one wording of each article that the calibration questions do not know; it is asked in their stead."""
    last = {wording.key: place for place, wording in enumerate(corpus.wordings.values())}
    return [place for key, place in last.items() if key not in known]


def refit(corpus: Corpus, vectors: Vectors) -> KernelScorer:
    """A scorer for the corpus as it is now (seconds)."""
    return KernelScorer.fit(*_labelled(corpus, vectors))


def read_negatives() -> list[LabelledQuestion]:
    return read_questions(NEGATIVES) + [question for question in read_questions(CALIBRATION) if question.key is None]


def training_wordings(corpus: Corpus) -> list[Wording]:
    """What the scorer is fitted on: the corpus, then the negatives in their order."""
    return [*corpus.wordings.values(), *(Wording(NONE, question.text) for question in read_negatives())]


def _labelled(corpus: Corpus, vectors: Vectors) -> tuple[list[str], Floats, list[str]]:
    wordings = training_wordings(corpus)
    texts = [wording.text for wording in wordings]
    return texts, vectors.of(texts), [wording.key for wording in wordings]


def _example(corpus: Corpus, support: Support, question: LabelledQuestion, vectors: Vectors) -> Example:
    ranking = rank(corpus, support, question.text, vectors.of([question.text])[0], corpus.articles.keys())
    listed = bool(question.accepted & set(ranking.order[:CLARIFY_WITH]))
    return Example(ranking.evidence(question.text), bool(question.key), ranking.order[0] in question.accepted, listed)
