"""Fit the scorer on all wordings, and calibrate the decision on questions that it has not seen."""

from collections.abc import Sequence

import numpy as np

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
    """
    corpus = Corpus.build(articles, generation, vectors)
    in_scope = [question for question in read_questions(CALIBRATION) if question.key in corpus.articles]
    negatives = read_negatives()
    first = len(corpus.wordings)
    fold_of = np.random.default_rng(0).integers(0, FOLDS, len(negatives))
    folds = [np.flatnonzero(fold_of == fold) for fold in range(FOLDS)]
    scorer, unseen = KernelScorer.cross_fit(*_labelled(corpus, vectors), [(first + fold).tolist() for fold in folds])
    judged = [negatives[i] for fold in folds for i in fold] + in_scope
    texts = [question.text for question in in_scope]
    supports = [support for fold in unseen for support in fold] + scorer.supports(texts, vectors.of(texts))
    pairs = zip(supports, judged, strict=True)
    examples = [_example(corpus, support, question, vectors) for support, question in pairs]
    return Snapshot(corpus, scorer, fit_gate(examples), generation)


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
