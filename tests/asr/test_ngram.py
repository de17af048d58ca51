import itertools
from pathlib import Path

import numpy as np
import pytest

from asr.language.ngram import END, TrigramModel, Vocabulary, estimate, interpolate, prior_of

pytestmark = pytest.mark.unit

WORDS = ["查", "余额", "转账", "我", "要", "卡"]
SENTENCES = [["我", "要", "查", "余额"], ["我", "要", "转账"], ["查", "余额"], ["我", "要", "查", "卡"], ["卡", "余额"]]


@pytest.fixture
def model() -> TrigramModel:
    vocabulary = Vocabulary(WORDS)
    return estimate(vocabulary, SENTENCES, prior_of(vocabulary, {"卡": 3.0}))


def sums(model: TrigramModel) -> list[float]:
    """What the probabilities of all words after each pair of words add up to."""
    base, numbers = model.vocabulary.base, [model.vocabulary.number[word] for word in [END, *WORDS]]
    totals = []
    for first, second in itertools.product(numbers[1:], repeat=2):
        keys = np.array([(first * base + second) * base + third for third in numbers], np.int64)
        totals.append(float(model.trigram_probabilities(keys).sum()))
    return totals


def test_probabilities_after_any_words_add_up_to_one(model: TrigramModel) -> None:
    assert model.unigram.sum() == pytest.approx(1)
    np.testing.assert_allclose(sums(model), 1, atol=0.02)


def test_seen_sentences_are_likelier_than_others(model: TrigramModel) -> None:
    assert model.log_probability(["我", "要", "转账"]) > model.log_probability(["转账", "要", "我"])


def test_interpolation_lies_between_and_still_adds_up(model: TrigramModel) -> None:
    other = estimate(model.vocabulary, [["卡", "转账"], ["我", "转账"]], prior_of(model.vocabulary, {}))
    mixed = interpolate([model, other], [0.5, 0.5])
    np.testing.assert_allclose(sums(mixed), 1, atol=0.02)
    values = [one.log_probability(["我", "转账"]) for one in (model, mixed, other)]
    assert values[0] < values[1] < values[2]


def test_pruning_drops_trigrams_that_matter_least(model: TrigramModel) -> None:
    assert len(model.pruned(0).trigrams.keys) == len(model.trigrams.keys)
    pruned = model.pruned(0.01)
    assert len(pruned.trigrams.keys) < len(model.trigrams.keys)
    np.testing.assert_allclose(sums(pruned), 1, atol=0.02)


def test_arpa_lists_what_it_announces(model: TrigramModel, tmp_path: Path) -> None:
    model.write_arpa(tmp_path / "lm.arpa")
    lines = (tmp_path / "lm.arpa").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "\\data\\"
    assert lines[-1] == "\\end\\"
    announced = [int(line.split("=")[1]) for line in lines if line.startswith("ngram ")]
    listed = [len(lines[lines.index(f"\\{order}-grams:") + 1 :]) for order in (1, 2, 3)]
    assert announced[0] == len(WORDS) + 2
    assert announced == [
        listed[0] - listed[1] - 2, listed[1] - listed[2] - 2, listed[2] - 2,
    ]  # fmt: skip
