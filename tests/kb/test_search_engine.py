"""Search over one state of the knowledge base, and the updates that replace that state."""

from datetime import date
from itertools import pairwise

import pytest

from kb.schemas import SearchResult
from kb.search import SearchEngine, Snapshot
from tests.kb import sample
from tests.kb.fake_encoder import FakeEncoder

pytestmark = pytest.mark.unit

JUNE = date(2026, 6, 15)


@pytest.fixture
def engine(snapshot: Snapshot, encoder: FakeEncoder) -> SearchEngine:
    return SearchEngine(encoder, snapshot)


def keys(result: SearchResult) -> list[str]:
    return [candidate.key for candidate in result.candidates]


def put(engine: SearchEngine, key: str, generation: int = 7, version: int = 1, **fields: object) -> None:
    engine.apply([sample.stored(sample.article(key, **fields), version)], [], generation)


@pytest.mark.parametrize("key", sample.WORDINGS)
def test_every_own_wording_is_answered_with_its_article(key: str, engine: SearchEngine) -> None:
    for wording in sample.WORDINGS[key]:
        result = engine.search(wording)
        assert result.decision == "answer"
        assert result.answer is not None
        assert result.answer.key == keys(result)[0] == key
        assert result.confidence == 1


def test_punctuation_width_and_fillers_do_not_matter_to_an_exact_wording(engine: SearchEngine) -> None:
    result = engine.search("嗯，银行卡……丢了 怎么办呢？！")
    assert engine.search("啊，银行卡，丢了怎么办？").confidence == 1
    assert keys(result)[0] == "card.lost"


def test_candidates_are_sorted_and_at_most_k(engine: SearchEngine) -> None:
    for k in (1, 3, 6, 20):
        result = engine.search("卡的事情想问一下", k=k)
        assert len(result.candidates) == min(k, len(sample.WORDINGS))
        assert all(first.score >= second.score for first, second in pairwise(result.candidates))
        assert len(set(keys(result))) == len(result.candidates)


def test_a_candidate_shows_the_wording_that_is_nearest(engine: SearchEngine) -> None:
    first = engine.search("机器把我的卡吃进去了").candidates[0]
    assert (first.key, first.matched) == ("card.swallowed", "机器把卡吃进去了")
    assert first.question == "取款机吞卡怎么办"


def test_what_no_article_answers_is_not_answered(engine: SearchEngine) -> None:
    for text in ("周末去爬山吗", "猫咪不吃饭是不是病了呀", "？？？", "💳💳💳"):
        result = engine.search(text)
        assert result.decision != "answer"
        assert result.answer is None


def test_within_restricts_and_always_answers(engine: SearchEngine) -> None:
    result = engine.search("周末去爬山吗", within=["fx.rate", "card.lost", "no.such"])
    assert result.decision == "answer"
    assert set(keys(result)) == {"fx.rate", "card.lost"}
    assert result.answer is not None
    assert result.answer.key == keys(result)[0]


@pytest.mark.parametrize("within", [[], ["no.such"]])
def test_within_nothing_there_is_no_answer(within: list[str], engine: SearchEngine) -> None:
    result = engine.search("银行卡丢了怎么办", within=within)
    assert (result.decision, result.candidates, result.confidence) == ("unrecognised", [], 0)


@pytest.mark.parametrize(
    ("validity", "day", "is_found"),
    [
        ({"valid_from": date(2026, 6, 15)}, JUNE, True),
        ({"valid_from": date(2026, 6, 16)}, JUNE, False),
        ({"valid_to": date(2026, 6, 15)}, JUNE, True),
        ({"valid_to": date(2026, 6, 14)}, JUNE, False),
        ({"valid_from": date(2026, 1, 1), "valid_to": date(2026, 12, 31)}, JUNE, True),
        ({"valid_from": date(2026, 1, 1), "valid_to": date(2026, 12, 31)}, date(2027, 1, 1), False),
    ],
)
def test_only_articles_in_force_are_found(
    validity: dict[str, date], day: date, is_found: bool, engine: SearchEngine
) -> None:
    put(engine, "fx.rate", version=2, **validity)
    for text, within in (("今天美元汇率是多少", None), ("美元什么价", None), ("美元什么价", ["fx.rate"])):
        assert ("fx.rate" in keys(engine.search(text, 20, within, day=day))) is is_found
    answer = engine.search("今天美元汇率是多少", day=day).answer
    assert (answer is not None and answer.key == "fx.rate") is is_found


def test_only_articles_for_the_channel_are_found(engine: SearchEngine) -> None:
    put(engine, "fx.rate", channels=["phone"])
    text = "今天美元汇率是多少"
    assert keys(engine.search(text, channel="phone"))[0] == "fx.rate"
    assert keys(engine.search(text))[0] == "fx.rate"
    assert "fx.rate" not in keys(engine.search(text, 20, channel="web"))


def test_a_new_article_is_answered_by_its_wordings_at_once(engine: SearchEngine) -> None:
    put(engine, "hall.parking", question="网点能停车吗", extended=["大堂门口有车位没"])
    assert engine.snapshot.is_stale
    for text in ("网点能停车吗", "大堂门口有车位没？"):
        result = engine.search(text)
        assert (result.decision, keys(result)[0]) == ("answer", "hall.parking")
    assert "hall.parking" in keys(engine.search("网点停车吗", 3))


def test_a_new_version_replaces_the_old_one_whole(engine: SearchEngine) -> None:
    put(engine, "card.lost", version=2, question="卡遗失如何处理", extended=[], text="新的办法", spoken="新的。")
    result = engine.search("卡遗失如何处理")
    assert result.answer is not None
    assert (result.answer.version, result.answer.text, result.answer.spoken) == (2, "新的办法", "新的。")
    old = engine.search("银行卡丢了怎么办")
    assert old.confidence < 1
    assert all(candidate.matched != "银行卡丢了怎么办" for candidate in old.candidates)


def test_a_removed_article_is_never_found_again(engine: SearchEngine) -> None:
    engine.apply([], ["card.lost"], 7)
    for text in sample.WORDINGS["card.lost"]:
        assert "card.lost" not in keys(engine.search(text, 20))
        assert engine.search(text, within=["card.lost"]).candidates == []


def test_a_wording_that_two_articles_share_decides_nothing_until_one_lets_it_go(engine: SearchEngine) -> None:
    put(engine, "card.other", question="银行卡丢了怎么办")
    assert engine.snapshot.corpus.exact("银行卡丢了怎么办") is None
    assert {"card.lost", "card.other"} <= set(keys(engine.search("银行卡丢了怎么办")))
    engine.apply([], ["card.other"], 8)
    assert keys(engine.search("银行卡丢了怎么办"))[0] == "card.lost"
    assert engine.search("银行卡丢了怎么办").confidence == 1


def test_related_articles_are_told_as_long_as_they_are_there(engine: SearchEngine) -> None:
    put(engine, "card.lost", related=["card.swallowed", "no.such", "fx.rate"])
    engine.apply([], ["fx.rate"], 8)
    answer = engine.search("银行卡丢了怎么办").answer
    assert answer is not None
    assert [(ref.key, ref.question) for ref in answer.related] == [("card.swallowed", "取款机吞卡怎么办")]


def test_a_search_that_has_begun_keeps_the_state_it_began_with(engine: SearchEngine) -> None:
    before = engine.snapshot
    put(engine, "card.lost", version=2, question="卡遗失如何处理", extended=[])
    assert before.corpus.articles["card.lost"].version == 1
    assert before.corpus.exact("银行卡丢了怎么办") == "card.lost"
    assert len(before.corpus.index) == len(before.corpus.wordings) == 24
    assert len(engine.snapshot.corpus.index) == len(engine.snapshot.corpus.wordings) == 21


def test_only_new_wordings_are_encoded(engine: SearchEngine, encoder: FakeEncoder) -> None:
    encoder.encoded.clear()
    put(engine, "card.lost", version=2, extended=[*sample.WORDINGS["card.lost"][1:], "卡掉了"])
    assert encoder.encoded == ["卡掉了"]
    engine.search("美元什么价")
    engine.search("美元什么价")
    assert encoder.encoded == ["卡掉了", "美元什么价"]


def test_a_result_names_what_it_was_made_with(engine: SearchEngine) -> None:
    put(engine, "card.lost", generation=9)
    result = engine.search("银行卡丢了怎么办")
    assert result.index == {"model": "fake/1", "generation": 9, "scorer": "kernel-ridge/6"}
    assert result.timings_ms.keys() == {"embed", "rank"}
    assert min(result.timings_ms.values()) >= 0
