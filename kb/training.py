"""Fit the scorer on all wordings, and calibrate the decision on questions that it has not seen."""

from collections.abc import Sequence

import numpy as np

from kb.corpus import Corpus, Vectors, Wording
from kb.decision import CLARIFY_WITH, Example, Gate, fit_gate
from kb.questions import CALIBRATION, NEGATIVES, LabelledQuestion, read_questions
from kb.ranking import rank
from kb.schemas import StoredArticle
from kb.scorer import NONE, KernelScorer
from kb.search import Snapshot

FOLDS = 3


def build_snapshot(articles: Sequence[StoredArticle], generation: int, vectors: Vectors) -> Snapshot:
    """A whole snapshot, scorer and calibration included (a minute for 5,000 new wordings.

    Vectors are kept in `vectors`).
    """
    corpus = Corpus.build(articles, generation, vectors)
    in_scope = [question for question in read_questions(CALIBRATION) if question.key in corpus.articles]
    gate = calibrate(corpus, in_scope, read_negatives(), vectors)
    return Snapshot(corpus, refit(corpus, vectors), gate, generation)


def refit(corpus: Corpus, vectors: Vectors) -> KernelScorer:
    """A scorer for the corpus as it is now (seconds)."""
    return _fit(corpus, read_negatives(), vectors)


def read_negatives() -> list[LabelledQuestion]:
    return read_questions(NEGATIVES) + [question for question in read_questions(CALIBRATION) if question.key is None]


def _fit(corpus: Corpus, negatives: Sequence[LabelledQuestion], vectors: Vectors) -> KernelScorer:
    wordings = [*corpus.wordings.values(), *(Wording(NONE, question.text) for question in negatives)]
    texts = [wording.text for wording in wordings]
    return KernelScorer.fit(texts, vectors.of(texts), [wording.key for wording in wordings])


def calibrate(
    corpus: Corpus, in_scope: Sequence[LabelledQuestion], negatives: Sequence[LabelledQuestion], vectors: Vectors
) -> Gate:
    """Fit the decision by cross-fitting: each negative is judged by a scorer that was fitted without it."""
    fold_of = np.random.default_rng(0).integers(0, FOLDS, len(negatives))
    examples: list[Example] = []
    for fold in range(FOLDS):
        seen = [question for question, its in zip(negatives, fold_of, strict=True) if its != fold]
        unseen = [question for question, its in zip(negatives, fold_of, strict=True) if its == fold]
        scorer = _fit(corpus, seen, vectors)
        examples += [_example(corpus, scorer, question, vectors) for question in [*in_scope[fold::FOLDS], *unseen]]
    return fit_gate(examples)


def _example(corpus: Corpus, scorer: KernelScorer, question: LabelledQuestion, vectors: Vectors) -> Example:
    ranking = rank(corpus, scorer, question.text, vectors.of([question.text])[0], corpus.articles.keys())
    listed = bool(question.accepted & set(ranking.order[:CLARIFY_WITH]))
    return Example(ranking.evidence(question.text), bool(question.key), ranking.order[0] in question.accepted, listed)
