"""The supervised scorer: exact fit, exact cross-fitting, bounded fit, and its stored state."""

import numpy as np
import pytest
from numpy.typing import NDArray

from kb import scorer as scorer_module
from kb.scorer import KernelScorer
from tests.kb import sample
from tests.kb.fake_encoder import FakeEncoder

pytestmark = pytest.mark.unit

Data = tuple[list[str], NDArray[np.float32], list[frozenset[str]]]

NONE: frozenset[str] = frozenset()


@pytest.fixture
def data(encoder: FakeEncoder) -> Data:
    """Wordings of the sample, then its negatives; their vectors; their labels."""
    pairs = [(text, frozenset({key})) for key, wordings in sample.WORDINGS.items() for text in wordings]
    pairs += [(text, NONE) for text in sample.NEGATIVES]
    texts = [text for text, _ in pairs]
    return texts, encoder.encode(texts), [label for _, label in pairs]


def best(scorer: KernelScorer, encoder: FakeEncoder, text: str) -> frozenset[str]:
    """The label with the greatest support."""
    support = scorer.support(text, encoder.encode([text])[0])
    key = max(support.scores, key=support.scores.__getitem__)
    return frozenset({key}) if support.scores[key] > support.none else NONE


def test_every_taught_wording_finds_its_article(data: Data, encoder: FakeEncoder) -> None:
    scorer = KernelScorer.fit(*data)
    assert [best(scorer, encoder, text) for text in data[0]] == data[2]


def test_unseen_wordings_find_their_article(data: Data, encoder: FakeEncoder) -> None:
    scorer = KernelScorer.fit(*data)
    right = [best(scorer, encoder, text) == {key} for text, key in sample.CALIBRATION]
    assert np.mean(right) >= 0.8


def test_questions_of_no_article_are_a_class_of_their_own(data: Data, encoder: FakeEncoder) -> None:
    scorer = KernelScorer.fit(*data)
    support = scorer.support("周末去爬山吗", encoder.encode(["周末去爬山吗"])[0])
    assert support.none > max(support.scores.values())
    assert support.scores.keys() == sample.WORDINGS.keys()


def test_an_ambiguous_question_supports_each_article_that_it_may_mean(data: Data, encoder: FakeEncoder) -> None:
    texts, vectors, labels = data
    asked, meant = "出问题了", frozenset({"card.lost", "transfer.limit"})
    scorer = KernelScorer.fit([*texts, asked], np.vstack([vectors, encoder.encode([asked])]), [*labels, meant])
    scores = scorer.support(asked, encoder.encode([asked])[0]).scores
    assert set(sorted(scores, key=scores.__getitem__)[-2:]) == meant
    assert all(0.2 < scores[key] < 0.6 for key in meant)


def test_a_misheard_question_sounds_like_a_wording_though_it_shares_no_word(data: Data, encoder: FakeEncoder) -> None:
    texts, vectors, labels = data
    scorer = KernelScorer.fit(
        [*texts, "挂失"], np.vstack([vectors, encoder.encode(["挂失"])]), [*labels, frozenset({"card.lost"})]
    )
    heard = scorer.support("瓜师", encoder.encode(["瓜师"])[0])
    assert heard.sound == pytest.approx(1, abs=1e-5)
    assert heard.characters == 0
    assert max(heard.scores, key=heard.scores.__getitem__) == "card.lost"


@pytest.mark.parametrize("text", ["", "？！", "💳💳", "x" * 500, "\x00", "𠮷" * 20])
def test_any_text_at_all_is_scored(text: str, data: Data, encoder: FakeEncoder) -> None:
    support = KernelScorer.fit(*data).support(text, encoder.encode([text])[0])
    assert np.isfinite([*support.scores.values(), support.none, support.characters, support.sound]).all()


def test_many_questions_are_scored_as_one_by_one(data: Data, encoder: FakeEncoder) -> None:
    scorer = KernelScorer.fit(*data)
    texts = [text for text, _ in sample.CALIBRATION]
    vectors = encoder.encode(texts)
    for text, vector, batched in zip(texts, vectors, scorer.supports(texts, vectors), strict=True):
        alone = scorer.support(text, vector)
        assert batched.scores == pytest.approx(alone.scores, abs=1e-5)
        assert (batched.characters, batched.sound) == pytest.approx((alone.characters, alone.sound), abs=1e-6)


def test_a_restored_scorer_scores_the_same(data: Data, encoder: FakeEncoder) -> None:
    fitted = KernelScorer.fit(*data)
    restored = KernelScorer.restore(fitted.texts, fitted.keys, fitted.state())
    for text in [*data[0][:5], "卡丢了", "明天下雨吗"]:
        vector = encoder.encode([text])[0]
        assert restored.support(text, vector) == fitted.support(text, vector)


def test_nothing_cannot_be_fitted() -> None:
    with pytest.raises(ValueError, match="at least one wording"):
        KernelScorer.fit([], np.empty((0, 4), np.float32), [])


@pytest.mark.parametrize("folds", [[[24, 30, 40], [25, 26]], [[0, 47]]], ids=["negatives", "an article and a negative"])
def test_cross_fitting_gives_what_a_fit_without_the_fold_gives(folds: list[list[int]], data: Data) -> None:
    """Up to the likenesses' own statistics (means, inverse document frequencies), which keep all texts."""
    texts, vectors, labels = data
    scorer, supports = KernelScorer.cross_fit(texts, vectors, labels, folds)
    assert scorer.state()["weights"] == pytest.approx(KernelScorer.fit(*data).state()["weights"], abs=1e-4)
    for fold, held_out in zip(folds, supports, strict=True):
        kernel = scorer._likeness(texts, vectors).kernel
        rest = np.setdiff1d(np.arange(len(texts)), fold)
        system = kernel[np.ix_(rest, rest)] + scorer_module.RIDGE * np.eye(len(rest))
        weights = np.linalg.solve(system, scorer._targets(labels)[rest])
        expected = kernel[np.ix_(fold, rest)] @ weights
        for support, row in zip(held_out, expected, strict=True):
            assert [*support.scores.values(), support.none] == pytest.approx(row.tolist(), abs=1e-3)


def test_a_held_out_text_is_not_compared_with_itself_or_its_fold(data: Data) -> None:
    texts, vectors, labels = data
    texts, labels = [*texts, "世界杯谁赢了呀"], [*labels, NONE]
    vectors = np.vstack([vectors, vectors[:1]])
    twins = [texts.index("世界杯谁赢了"), len(texts) - 1]
    _, (together,) = KernelScorer.cross_fit(texts, vectors, labels, [twins])
    _, (apart, _) = KernelScorer.cross_fit(texts, vectors, labels, [twins[:1], twins[1:]])
    assert together[0].characters < 0.5
    assert apart[0].characters > 0.9


def test_beyond_the_bound_a_sample_of_centres_does_nearly_as_well(
    data: Data, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = KernelScorer.fit(*data)
    monkeypatch.setattr(scorer_module, "MAX_CENTRES", len(data[0]) - 6)
    monkeypatch.setattr(scorer_module, "CHUNK", 7)
    sampled, (held_out,) = KernelScorer.cross_fit(*data, [[30, 31, 40]])
    assert len(sampled.texts) == len(data[0]) - 6
    assert all(np.isfinite([*support.scores.values()]).all() for support in held_out)
    texts = [text for text, _ in sample.CALIBRATION]
    vectors = encoder.encode(texts)
    ours, theirs = (
        np.array([[*support.scores.values(), support.none] for support in scorer.supports(texts, vectors)])
        for scorer in (sampled, exact)
    )
    assert np.abs(ours - theirs).mean() < 0.03
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1)).mean() >= 0.9


def test_with_all_centres_the_bounded_fit_is_the_exact_one(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cross-fitting by the sampled equations agrees with fitting anew without the fold."""
    texts, vectors, labels = data
    monkeypatch.setattr(scorer_module, "MAX_CENTRES", len(texts) - 1)
    fold = [40, 41, 42]
    sampled, (held_out,) = KernelScorer.cross_fit(texts, vectors, labels, [fold])
    chosen = [texts.index(text) for text in sampled.texts]
    kernel = sampled._likeness(texts, vectors).kernel.astype(np.float64)
    rest = np.setdiff1d(np.arange(len(texts)), fold)
    gram = kernel[rest].T @ kernel[rest] + scorer_module.RIDGE * kernel[chosen] + 1e-3 * np.eye(len(chosen))
    weights = np.linalg.solve(gram, kernel[rest].T @ sampled._targets(labels)[rest])
    for support, row in zip(held_out, kernel[fold] @ weights, strict=True):
        assert [*support.scores.values(), support.none] == pytest.approx(row.tolist(), abs=0.02)
