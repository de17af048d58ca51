"""What an utterance looks like and sounds like."""

import pytest

from bot.components.ngrams import character_ngrams, sound_ngrams, syllables

pytestmark = pytest.mark.unit


def test_misheard_and_typed_pinyin_sound_like_the_word() -> None:
    assert syllables("转人工") == syllables("转人功") == syllables("zhuanrengong") == ["zuan", "ren", "gong"]


def test_differences_that_dialects_blur_are_gone() -> None:
    assert syllables("是") == syllables("四") == ["si"]
    assert syllables("拿") == syllables("拉")
    assert syllables("金") == syllables("京")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("APP", ["app"]), ("5号", ["5", "hao"]), ("？", ["？"]), ("", []), ("  ", []), ("vip卡", ["vip", "ka"])],
)
def test_other_signs_stay_what_they_are(text: str, expected: list[str]) -> None:
    assert syllables(text) == expected


def test_a_long_latin_word_takes_no_time() -> None:
    assert syllables("a" * 500)


def test_ngrams_mark_the_ends() -> None:
    assert character_ngrams("余额", 2) == ["<", "余", "额", ">", "<余", "余额", "额>"]
    assert sound_ngrams("余额", 2) == ["<", "yu", "e", ">", "< yu", "yu e", "e >"]


def test_letter_case_does_not_matter() -> None:
    assert character_ngrams("ATM", 3) == character_ngrams("atm", 3)
