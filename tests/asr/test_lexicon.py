import pytest

from asr.language.lexicon import (
    UNKNOWN,
    Pronunciation,
    choose_words,
    gb2312_characters,
    lexicon_text,
    make_lexicon,
)
from asr.language.phones import PHONES, phone_ids, syllable_phones
from asr.language.readings import is_chinese, read, readings
from asr.language.segment import fewest_words, words_of
from asr.language.text import in_characters, sentences, spoken_form

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("syllable", "phones"),
    [
        ("zhong", ("zh", "ong")), ("zi", ("z", "ii")), ("zhi", ("zh", "iii")), ("ju", ("j", "v")),
        ("yuan", ("y", "van")),
        ("lve", ("l", "ve")), ("nü", ("n", "v")), ("yan", ("y", "ian")), ("ye", ("y", "ie")),
        ("er", ("er",)), ("a", ("a",)),
    ],
)  # fmt: skip
def test_syllables_are_initial_and_final(syllable: str, phones: tuple[str, ...]) -> None:
    assert syllable_phones(syllable) == phones


def test_foreign_syllables_are_refused() -> None:
    with pytest.raises(ValueError, match="not a Mandarin syllable"):
        syllable_phones("spa")


def test_there_are_61_phones_and_silence_is_the_first() -> None:
    assert len(PHONES) == len(set(PHONES)) == 61
    assert phone_ids(["SIL"]) == [1]


def test_words_decide_between_readings() -> None:
    assert read("银行") == ["y", "in", "h", "ang"]
    assert read("行走") == ["x", "ing", "z", "ou"]


def test_a_character_has_all_its_readings_the_usual_first() -> None:
    found = readings("行")
    assert found[0] == ("x", "ing")
    assert ("h", "ang") in found


def test_what_is_not_chinese_has_no_reading() -> None:
    assert not is_chinese("APP")
    assert read("APP") is None
    assert readings("3") == []


def test_every_gb2312_character_is_a_word() -> None:
    assert len(gb2312_characters((1,))) == 3755
    assert len(gb2312_characters()) == 6763
    words = choose_words({"转账": 5, "罕见词": 1}, {"你好": 10}, general_words=1)  # type: ignore[arg-type]
    assert {"转账", "你好", "赊", "啊"} <= set(words)
    assert "罕见词" not in words


def test_lexicon_spells_abbreviations_and_has_an_unknown_word() -> None:
    entries = {entry.word: entry for entry in make_lexicon(["APP", "转账"])}
    assert entries["转账"].phones == ("zh", "uan", "zh", "ang")
    assert entries["APP"].phones == ("ei", "p", "i", "p", "i")
    assert entries[UNKNOWN].phones == ("SIL",)


def test_text_becomes_what_is_spoken() -> None:
    assert sentences("**一类户**：每日5万（示例）。\n- 拨打 955？") == ["一类户每日五万", "拨打九五五"]
    assert spoken_form("app闪退了!") == "APP闪退了"
    assert in_characters("APP闪退") == "诶批批闪退"


def test_homophones_and_beginnings_of_words_are_kept_apart_in_the_graph() -> None:
    entries = [
        Pronunciation("他", ("t", "a")),
        Pronunciation("她", ("t", "a")),
        Pronunciation("他们", ("t", "a", "m", "en")),
    ]
    text, disambiguations = lexicon_text(entries, {"他": 1, "她": 2, "他们": 3})
    assert disambiguations == 2
    first_marks = [line for line in text.splitlines() if line.split()[2:3] in (["62"], ["63"])]
    assert [line.split()[1] for line in first_marks] == ["0", "0"], "the mark ends the word"
    assert text.endswith("0 0\n")


def test_numbers_are_divided_into_characters() -> None:
    assert words_of("转账三千五百元") == ["转账", "三", "千", "五", "百", "元"]
    assert words_of("转账三千元") == ["转账", "三", "千", "元"]
    assert "APP" in words_of("手机银行APP闪退")


def test_phrases_are_divided_into_few_known_words() -> None:
    assert fewest_words("查询余额", {"查": 1, "询": 1, "查询": 1, "余额": 1}) == ["查询", "余额"]
    assert fewest_words("查询余额", {"查询"}) is None
