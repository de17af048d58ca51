"""Fit the scorer on all wordings, and calibrate the decision on questions that it has not seen."""

import itertools
from collections.abc import Sequence, Set

import numpy as np

from core.problems import InvalidInput
from kb.corpus import Corpus, Floats, Lesson, Vectors
from kb.decision import CLARIFY_WITH, Example, fit_gate
from kb.questions import AMBIGUOUS, CALIBRATION, NEGATIVES, LabelledQuestion, read_questions
from kb.ranking import rank
from kb.schemas import StoredArticle
from kb.scorer import KernelScorer, Support
from kb.search import Snapshot

FOLDS = 10


def build_snapshot(articles: Sequence[StoredArticle], generation: int, vectors: Vectors) -> Snapshot:
    """A whole snapshot, scorer and calibration included (half a minute for 6,000 new wordings, nearly all of it for
    their vectors, which are kept in `vectors`).

    The decision is calibrated by cross-fitting: each question that is taught beside the articles' own wordings is
    judged as by a scorer that was fitted without it.
    Raises InvalidInput when there is no article.
    """
    if not articles:
        raise InvalidInput("the knowledge base is empty: import articles first")
    corpus = Corpus.build(articles, generation, vectors)
    scorer, examples = _cross_fit(corpus, vectors)
    return Snapshot(corpus, scorer, fit_gate(examples), generation)


def _cross_fit(corpus: Corpus, vectors: Vectors) -> tuple[KernelScorer, list[Example]]:
    """The scorer on everything, and each calibration question judged as one that it has not seen."""
    beside = taught_beside(corpus)
    wordings = list(corpus.wordings.values())
    known = [LabelledQuestion(wording.text, wording.key) for wording in wordings] + beside
    held_back = _held_back(corpus, {question.key for question in beside})
    folds = _folds([*held_back, *range(len(wordings), len(known))])
    scorer, supports = KernelScorer.cross_fit(*_labelled(corpus, vectors), folds)
    ids = list(corpus.wordings)
    seen = corpus.without([ids[place] for place in held_back])
    judged = zip(itertools.chain(*folds), itertools.chain(*supports), strict=True)
    return scorer, [_example(seen, support, known[place], vectors) for place, support in judged]


def _folds(places: Sequence[int]) -> list[list[int]]:
    fold_of = np.random.default_rng(0).integers(0, FOLDS, len(places))
    folds = [[place for place, its in zip(places, fold_of, strict=True) if its == fold] for fold in range(FOLDS)]
    return [fold for fold in folds if fold]


def _held_back(corpus: Corpus, known: Set[str | None]) -> list[int]:
    """Places of one wording of each article that the calibration questions do not know; it is asked in their stead."""
    last = {wording.key: place for place, wording in enumerate(corpus.wordings.values())}
    return [place for key, place in last.items() if key not in known]


def refit(corpus: Corpus, vectors: Vectors) -> KernelScorer:
    """A scorer for the corpus as it is now (seconds)."""
    return KernelScorer.fit(*_labelled(corpus, vectors))


def taught_beside(corpus: Corpus) -> list[LabelledQuestion]:
    """The questions that the scorer is fitted on beside the articles' wordings, and judged on without them."""
    read = [question for path in (CALIBRATION, AMBIGUOUS, NEGATIVES) for question in read_questions(path)]
    return [question for question in read if _is_usable(question, corpus)]


def _is_usable(question: LabelledQuestion, corpus: Corpus) -> bool:
    """Its articles are here; of an ambiguous question at least two, otherwise it is ambiguous no longer."""
    here = question.accepted.intersection(corpus.articles)
    return question.key is None or len(here) >= (2 if question.ambiguous else 1)


def lessons_beside(corpus: Corpus) -> list[Lesson]:
    return [
        Lesson(question.text, question.accepted.intersection(corpus.articles)) for question in taught_beside(corpus)
    ]


def lessons(corpus: Corpus) -> list[Lesson]:
    """What the scorer is fitted on: the wordings, then what is taught beside them."""
    return [wording.lesson for wording in corpus.wordings.values()] + lessons_beside(corpus)


def _labelled(corpus: Corpus, vectors: Vectors) -> tuple[list[str], Floats, list[frozenset[str]]]:
    taught = lessons(corpus)
    texts = [lesson.text for lesson in taught]
    return texts, vectors.of(texts), [lesson.keys for lesson in taught]


def _example(corpus: Corpus, support: Support, question: LabelledQuestion, vectors: Vectors) -> Example:
    ranking = rank(corpus, support, question.text, vectors.of([question.text])[0], corpus.articles.keys())
    listed = bool(question.accepted & set(ranking.order[:CLARIFY_WITH]))
    accepted = ranking.order[0] in question.accepted
    return Example(
        ranking.evidence(question.text),
        in_scope=bool(question.key),
        right=accepted and not question.ambiguous,
        hasty=accepted and question.ambiguous,
        listed=listed,
    )
