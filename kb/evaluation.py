"""How good the search is on labelled questions.

Ranking (Recall@1, Recall@3, MRR) and decision (answered, clarified, refused).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kb.decision import CLARIFY_WITH
from kb.questions import LabelledQuestion
from kb.schemas import Decision, SearchResult
from kb.search import SearchEngine

DEPTH = 10  # candidates looked at for the mean reciprocal rank


@dataclass(frozen=True)
class Outcome:
    question: LabelledQuestion
    result: SearchResult

    @property
    def rank(self) -> int | None:
        """Place of the first accepted article, from 1; None when it is not among the first ten."""
        keys = [candidate.key for candidate in self.result.candidates]
        return next((place for place, key in enumerate(keys, 1) if key in self.question.accepted), None)

    @property
    def is_right(self) -> bool:
        """The customer gets the right article, at once or from the list; or an honest "no" out of scope.

        An ambiguous question must be asked back: its answer would be a guess.
        """
        if self.question.key is None:
            return self.result.decision == "unrecognised"
        if self.question.ambiguous and self.result.decision == "answer":
            return False
        reach = {"answer": 1, "clarify": CLARIFY_WITH, "unrecognised": 0}[self.result.decision]
        return self.rank is not None and self.rank <= reach

    def as_error(self) -> dict[str, Any]:
        candidates = [{"key": c.key, "score": c.score} for c in self.result.candidates[:CLARIFY_WITH]]
        return {"text": self.question.text, "key": self.question.key, "decision": self.result.decision,
                "confidence": self.result.confidence, "rank": self.rank, "candidates": candidates}  # fmt: skip


def evaluate(engine: SearchEngine, questions: Sequence[LabelledQuestion]) -> tuple[dict[str, Any], list[Outcome]]:
    """The figures of `teller kb eval`, and every outcome. A ratio over nothing is None."""
    outcomes = [Outcome(question, engine.search(question.text, k=DEPTH)) for question in questions]
    within = [outcome for outcome in outcomes if outcome.question.key]
    clear = [outcome for outcome in within if not outcome.question.ambiguous]
    ambiguous = [outcome for outcome in within if outcome.question.ambiguous]
    outside = [outcome for outcome in outcomes if not outcome.question.key]
    return {
        "n": len(outcomes),
        "recall_at_1": _mean([outcome.rank == 1 for outcome in within]),
        "recall_at_3": _mean([outcome.rank is not None and outcome.rank <= CLARIFY_WITH for outcome in within]),
        "mrr": _mean([1 / outcome.rank if outcome.rank else 0.0 for outcome in within]),
        "in_scope": _decisions(clear) | {
            "answered_right": _right(clear, "answer"), "clarified_right": _right(clear, "clarify"),
        },
        "ambiguous": _decisions(ambiguous) | {"clarified_right": _right(ambiguous, "clarify")},
        "out_of_scope": _decisions(outside),
    }, outcomes  # fmt: skip


def _decisions(outcomes: Sequence[Outcome]) -> dict[str, int]:
    decided = Counter(outcome.result.decision for outcome in outcomes)
    names: dict[str, Decision] = {"answered": "answer", "clarified": "clarify", "unrecognised": "unrecognised"}
    return {"n": len(outcomes)} | {name: decided[decision] for name, decision in names.items()}


def _right(outcomes: Sequence[Outcome], decision: Decision) -> int:
    return sum(outcome.is_right for outcome in outcomes if outcome.result.decision == decision)


def _mean(values: Sequence[float | bool]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None
