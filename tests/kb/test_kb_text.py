"""Words as the lexical scorers see them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.text import character_grams, normalise, sound_grams, syllables

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("　银行卡　丢了？！", "银行卡丢了"),
        ("ＡＴＭ吞卡", "atm吞卡"),
        ("嗯…那个，我想问问，挂失呢", "我想问问挂失呢"),
        ("那个网点在哪", "那个网点在哪"),
        ("转账_限额", "转账限额"),
        ("①千元", "1千元"),
        ("U盾💳坏了", "u盾坏了"),
        ("嗯嗯", "嗯嗯"),
        ("？？", ""),
        ("", ""),
    ],
)
def test_normalise(text: str, expected: str) -> None:
    assert normalise(text) == expected


@given(st.text(max_size=60))
def test_normalising_twice_changes_nothing_more_than_fillers(text: str) -> None:
    once = normalise(text)
    assert not set(once) & set(" ，。？！_\t\n")
    assert bool(once) or not any(character.isalnum() for character in text)


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("挂失", "挂师"),
        ("信用卡", "新用咔"),
        ("转账", "赚帐"),
        ("人民币", "人明比"),
        ("存折", "存泽"),
        ("手续费", "首叙费"),
        ("牛奶", "流来"),
        ("生意", "森意"),
        ("张", "脏"),
        ("女", "旅"),
    ],
)
def test_words_that_sound_alike_have_the_same_syllables(said: str, heard: str) -> None:
    assert syllables(said) == syllables(heard)


@pytest.mark.parametrize(("one", "other"), [("挂失", "解挂"), ("贷款", "存款"), ("八", "拔河"), ("安", "恩")])
def test_words_that_sound_otherwise_differ(one: str, other: str) -> None:
    assert syllables(one) != syllables(other)


def test_grams_are_all_runs_of_one_to_three() -> None:
    assert character_grams("挂失 吗") == ["挂", "失", "吗", "挂失", "失吗", "挂失吗"]
    assert sound_grams("挂失吗") == ["gua", "si", "ma", "gua si", "si ma", "gua si ma"]
    assert character_grams("！") == sound_grams("！") == []
