"""The calibrated decision: monotone, within its bound, and honest about what it needs."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from kb.decision import MOST_OUT_OF_SCOPE_ANSWERED, Evidence, Example, Gate, fit_gate

pytestmark = pytest.mark.unit


def evidence(strength: float, noise: float = 0.0) -> Evidence:
    """Evidence that speaks for the first candidate with `strength` between 0 and 1."""
    return Evidence(
        support=strength + noise, margin=strength, second_margin=strength / 2, none=1 - strength,
        nearest_cosine=0.8 + strength / 5, own_cosine=0.8 + strength / 5, votes=strength, characters=strength,
        sound=strength, length=0.3, brevity=1.0,
    )  # fmt: skip


def examples(overlap: float, count: int = 300) -> list[Example]:
    """In-scope questions are strong and mostly right, the others weak; `overlap` mixes the two."""
    random = np.random.default_rng(1)
    made = []
    for strength in random.uniform(0.45 - overlap, 1, count):
        right = bool(random.random() < strength + 0.1)
        made.append(Example(evidence(strength, random.normal(0, 0.05)), True, right, right or random.random() < 0.7))
    for strength in random.uniform(0, 0.4 + overlap, count):
        made.append(Example(evidence(strength, random.normal(0, 0.05)), False, False, False))
    return made


def share(gate: Gate, made: list[Example], decision: str, chosen: Callable[[Example], bool]) -> float:
    return float(np.mean([gate.decide(example.evidence)[0] == decision for example in made if chosen(example)]))


def test_stronger_evidence_is_never_decided_more_timidly() -> None:
    gate = fit_gate(examples(overlap=0.1))
    order = ["unrecognised", "clarify", "answer"]
    decided = [gate.decide(evidence(strength)) for strength in np.linspace(0, 1, 41)]
    ranks = [order.index(decision) for decision, _ in decided]
    assert ranks == sorted(ranks)
    assert ranks[0] == 0
    assert ranks[-1] == 2
    confidences = [confidence for _, confidence in decided]
    assert confidences == sorted(confidences)
    assert all(0 <= confidence <= 1 for confidence in confidences)


@pytest.mark.parametrize("overlap", [0.0, 0.2, 0.45])
def test_few_questions_out_of_scope_are_answered_however_hard_they_are_to_tell(overlap: float) -> None:
    made = examples(overlap)
    gate = fit_gate(made)
    assert share(gate, made, "answer", lambda example: not example.in_scope) <= MOST_OUT_OF_SCOPE_ANSWERED


def test_where_the_kinds_are_apart_both_are_served() -> None:
    made = examples(overlap=0.0)
    gate = fit_gate(made)
    assert share(gate, made, "unrecognised", lambda example: not example.in_scope) > 0.9
    assert share(gate, made, "unrecognised", lambda example: example.in_scope) < 0.1


def test_when_nothing_can_be_told_nothing_is_answered() -> None:
    random = np.random.default_rng(2)
    made = [Example(evidence(random.random()), bool(i % 2), False, bool(i % 4 == 1)) for i in range(400)]
    made[1] = Example(made[1].evidence, True, True, True)
    gate = fit_gate(made)
    assert share(gate, made, "answer", lambda _: True) <= MOST_OUT_OF_SCOPE_ANSWERED


def test_an_ambiguous_question_is_asked_back() -> None:
    """Its candidates have equal support, so that the first is one of those that it may mean, but no answer."""
    random = np.random.default_rng(3)
    even = [replace(evidence(0.6, random.normal(0, 0.05)), margin=0.0, brevity=0.3) for _ in range(80)]
    made = examples(overlap=0.0) + [Example(its, True, right=False, listed=True, hasty=True) for its in even]
    gate = fit_gate(made)
    assert share(gate, made, "clarify", lambda example: example.hasty) > 0.9
    assert share(gate, made, "answer", lambda example: example.right) > 0.5


@pytest.mark.parametrize("kind", [True, False])
def test_calibration_needs_both_kinds(kind: bool) -> None:
    with pytest.raises(ValueError, match="in scope and out of scope"):
        fit_gate([example for example in examples(0.1) if example.in_scope is kind])
    with pytest.raises(ValueError, match="in scope and out of scope"):
        fit_gate([])


def test_a_gate_survives_its_json() -> None:
    gate = fit_gate(examples(overlap=0.1))
    assert Gate.from_json(json.loads(json.dumps(gate.as_json()))) == gate
