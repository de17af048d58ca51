"""What customers send, made safe."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.incoming import EmptyMessage, MessageTooLong, asks_plainly_for_a_person, clean, has_words

pytestmark = pytest.mark.unit


class TestClean:
    @pytest.mark.parametrize("text", ["", " ", "\n\n\t ", "\x00\x1b\x7f", "\u200b\u200d\ufeff", "\u3000", "\ud800"])
    def test_nothing_visible_is_an_empty_message(self, text: str) -> None:
        with pytest.raises(EmptyMessage):
            clean(text, 500)

    @pytest.mark.parametrize("length", [501, 10_000, 10_001, 1_000_000])
    def test_beyond_the_limit_is_refused_with_the_limit(self, length: int) -> None:
        with pytest.raises(MessageTooLong) as refused:
            clean("长" * length, 500)
        assert refused.value.body()["limit"] == 500

    def test_the_limit_counts_what_is_left(self) -> None:
        assert clean("  " + "长" * 500 + "\u200b" * 100, 500) == "长" * 500

    def test_control_and_invisible_characters_go(self) -> None:
        assert clean("我\x00的\x1b[31m卡\u202e丢\u200b了", 500) == "我的[31m卡丢了"

    def test_spaces_of_every_kind_fold_to_one_and_lines_stay(self) -> None:
        assert clean("转账 \t\u3000 100\t200\r\n谢谢", 500) == "转账 100 200 \n谢谢"

    def test_a_tab_separates_as_a_space_does(self) -> None:
        assert clean("100\t200", 500) == "100 200"

    def test_composed_and_decomposed_characters_are_the_same(self) -> None:
        assert clean("cafe\u0301", 500) == clean("caf\u00e9", 500)

    @pytest.mark.parametrize("text", ["/restart", "<b>卡</b>", "**粗** [x](javascript:alert(1))", "' OR 1=1 --", "😀"])
    def test_what_is_only_text_stays_as_it_is(self, text: str) -> None:
        assert clean(text, 500) == text

    @given(st.text(max_size=1200))
    def test_any_text_is_cleaned_or_refused_and_cleaning_is_done_once(self, text: str) -> None:
        try:
            cleaned = clean(text, 500)
        except (EmptyMessage, MessageTooLong):
            return
        assert 1 <= len(cleaned) <= 500
        assert cleaned == cleaned.strip()
        assert all(character == "\n" or unicodedata.category(character)[0] != "C" for character in cleaned)
        cleaned.encode()  # no half characters


class TestWords:
    @pytest.mark.parametrize("text", ["😀🎉", "！？。。。", "…", "👍🏽", "❤️"])
    def test_emoji_and_punctuation_have_no_words(self, text: str) -> None:
        assert not has_words(text)

    @pytest.mark.parametrize("text", ["卡", "a", "3", "😀卡"])
    def test_letters_and_digits_are_words(self, text: str) -> None:
        assert has_words(text)


class TestPerson:
    @pytest.mark.parametrize(
        "text",
        ["人工", "转人工", "转人工！", "人工客服", "我要人工", "我要转人工服务", "请转人工", "帮我转接人工坐席",
         "找真人", "麻烦接一下人工", "找客服", "转客服", "0", " 0 ", "转 人 工"],
    )  # fmt: skip
    def test_plain_requests_are_heard(self, text: str) -> None:
        assert asks_plainly_for_a_person(text)

    @pytest.mark.parametrize(
        "text",
        [
            "人工智能是什么",
            "人工费多少",
            "不要转人工",
            "转账",
            "00",
            "10",
            "人工客服几点上班",
            "真人秀",
            "我要投诉人工客服",
        ],
    )
    def test_other_sentences_are_left_to_the_bot(self, text: str) -> None:
        assert not asks_plainly_for_a_person(text)

    @given(st.text(max_size=600))
    def test_no_text_breaks_it(self, text: str) -> None:
        assert asks_plainly_for_a_person(text) in (True, False)
