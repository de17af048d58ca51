"""Answer, clarify or not recognised: a calibrated decision over the evidence for a question.

Two logistic models give the probability that the first candidate is right and that the right one is among the first
three. The two thresholds are those that cost least on questions that the scorer has not seen, at the costs declared
here.
"""

import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from kb.schemas import Decision

Floats = NDArray[np.float64]

CERTAIN = 50.0  # log odds
CLARIFY_WITH = 3  # candidates shown to the customer
NEAREST = 20  # neighbours that vote

# What an outcome costs a customer's trust, in units of one needless question back.
COST_WRONG_ANSWER = 6.0
COST_HASTY_ANSWER = 2.0  # one of several that an ambiguous question may mean
COST_ANSWER_OUT_OF_SCOPE = 6.0
COST_CLARIFY_RIGHT = 1.0
COST_CLARIFY_WRONG = 2.5
COST_CLARIFY_OUT_OF_SCOPE = 1.5
COST_UNRECOGNISED_IN_SCOPE = 3.0
IN_SCOPE_SHARE = 0.8  # of customers' questions; the calibration data are weighted to it
# The bounds that the product promises, with room for wordings that are harder than ours.
MOST_OUT_OF_SCOPE_ANSWERED = 0.08


@dataclass(frozen=True)
class Evidence:
    """What speaks for the first candidate."""

    support: float
    margin: float  # to the second candidate
    second_margin: float  # of the second to the third
    none: float  # support for "no article answers this"
    nearest_cosine: float
    own_cosine: float  # of the first candidate's nearest wording
    votes: float  # share of the nearest wordings that belong to the first candidate
    characters: float
    sound: float
    length: float  # characters of the question / 60, at most 1
    brevity: float  # the same / 12: a question of a few characters is seldom certain

    def row(self) -> list[float]:
        return list(asdict(self).values())


@dataclass(frozen=True)
class Example:
    """One calibration question after scoring."""

    evidence: Evidence
    in_scope: bool
    right: bool  # the first candidate is right
    listed: bool  # a right one is among the first three
    hasty: bool = False  # the question is ambiguous, and the first candidate is one of those that it may mean


@dataclass(frozen=True)
class Logistic:
    """A logistic model over standardised evidence."""

    mean: list[float]
    scale: list[float]
    weights: list[float]
    bias: float

    @classmethod
    def fit(cls, rows: Floats, outcomes: NDArray[np.bool_]) -> "Logistic":
        if outcomes.all() or not outcomes.any():  # nothing to tell apart
            nothing = [0.0] * rows.shape[1]
            return cls(nothing, [1.0] * rows.shape[1], nothing, CERTAIN if outcomes.all() else -CERTAIN)
        mean, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
        model = LogisticRegression(C=1.0, max_iter=1000).fit((rows - mean) / scale, outcomes)
        return cls(mean.tolist(), scale.tolist(), model.coef_[0].tolist(), float(model.intercept_[0]))

    def probability(self, rows: Floats) -> Floats:
        logits = ((rows - np.array(self.mean)) / np.array(self.scale)) @ np.array(self.weights) + self.bias
        probabilities: Floats = 1.0 / (1.0 + np.exp(-np.clip(logits, -CERTAIN, CERTAIN)))
        return probabilities


@dataclass(frozen=True)
class Gate:
    """The fitted decision with its thresholds; stored with the index that it was fitted on."""

    right: Logistic
    listed: Logistic
    answer_from: float
    clarify_from: float

    def decide(self, evidence: Evidence) -> tuple[Decision, float]:
        """The decision, and the probability that the first candidate is right."""
        row = np.array([evidence.row()])
        right = float(self.right.probability(row)[0])
        if right >= self.answer_from:
            return "answer", right
        if float(self.listed.probability(row)[0]) >= self.clarify_from:
            return "clarify", right
        return "unrecognised", right

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Gate":
        return cls(
            Logistic(**content["right"]),
            Logistic(**content["listed"]),
            content["answer_from"],
            content["clarify_from"],
        )


def fit_gate(examples: Sequence[Example]) -> Gate:
    """Fit on questions that the scorer did not see. Raises ValueError without examples of both kinds."""
    in_scope = np.array([example.in_scope for example in examples])
    if in_scope.all() or not in_scope.any():
        raise ValueError("calibration needs questions in scope and out of scope")
    rows = np.array([example.evidence.row() for example in examples])
    right_outcomes = np.array([example.right for example in examples])
    listed_outcomes = np.array([example.listed for example in examples])
    hasty_outcomes = np.array([example.hasty for example in examples])
    right, listed = Logistic.fit(rows, right_outcomes), Logistic.fit(rows, listed_outcomes)
    answer_from, clarify_from = _cheapest_thresholds(
        right.probability(rows), listed.probability(rows), in_scope, right_outcomes, listed_outcomes, hasty_outcomes
    )
    return Gate(right, listed, answer_from, clarify_from)


def _cheapest_thresholds(
    right: Floats,
    listed: Floats,
    in_scope: NDArray[np.bool_],
    is_right: NDArray[np.bool_],
    is_listed: NDArray[np.bool_],
    is_hasty: NDArray[np.bool_],
) -> tuple[float, float]:
    weight = np.where(in_scope, IN_SCOPE_SHARE / in_scope.sum(), (1 - IN_SCOPE_SHARE) / (~in_scope).sum())
    wrong_cost = np.where(is_hasty, COST_HASTY_ANSWER, COST_WRONG_ANSWER)
    answer_cost = np.where(in_scope, np.where(is_right, 0.0, wrong_cost), COST_ANSWER_OUT_OF_SCOPE)
    clarify_in_scope = np.where(is_listed, COST_CLARIFY_RIGHT, COST_CLARIFY_WRONG)
    clarify_cost = np.where(in_scope, clarify_in_scope, COST_CLARIFY_OUT_OF_SCOPE)
    refuse_cost = np.where(in_scope, COST_UNRECOGNISED_IN_SCOPE, 0.0)

    def cost(thresholds: tuple[float, float]) -> float:
        answer_from, clarify_from = thresholds
        answered = right >= answer_from
        clarified = ~answered & (listed >= clarify_from)
        outcome = np.where(answered, answer_cost, np.where(clarified, clarify_cost, refuse_cost))
        return float((weight * outcome).sum())

    grid = np.round(np.arange(0.05, 0.96, 0.025), 3)
    allowed = [t for t in grid if (right[~in_scope] >= t).mean() <= MOST_OUT_OF_SCOPE_ANSWERED] or [grid[-1]]
    costs = {thresholds: cost(thresholds) for thresholds in itertools.product(allowed, grid)}
    least = min(costs.values())
    cheapest = [thresholds for thresholds, its in costs.items() if its <= least + 1e-9]
    answer_from, clarify_from = cheapest[len(cheapest) // 2]  # the middle of a tie is furthest from either mistake
    return float(answer_from), float(clarify_from)
