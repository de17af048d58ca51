"""Vosk's JSON as transcripts, and phrases in a model's words."""

import json

import pytest

from asr.phrases import in_known_words
from asr.vosk_results import joined, later, transcript_of

pytestmark = pytest.mark.unit


def result(*words: tuple[str, float, float, float]) -> str:
    rows = [{"word": word, "start": start, "end": end, "conf": conf} for word, start, end, conf in words]
    return json.dumps({"result": rows, "text": " ".join(row["word"] for row in rows)} if rows else {"text": ""})


def test_words_times_confidence() -> None:
    heard = transcript_of(
        [result(("尾号", 0.1, 0.5, 1.0), ("八", 0.5, 0.7, 0.5), ("八", 0.7, 0.9, 0.5))], "m", offset=2
    )
    assert (heard.spoken, heard.text, heard.model) == ("尾号八八", "尾号88", "m")
    assert heard.confidence == pytest.approx(2 / 3)
    assert (heard.start, heard.end) == (2.1, 2.9)


def test_several_utterances_are_one_transcript() -> None:
    heard = transcript_of([result(("你好", 0, 1, 0.9)), result(), result(("再见", 5, 6, 0.7))], "m")
    assert (heard.spoken, heard.end, heard.confidence) == ("你好再见", 6, pytest.approx(0.8))


def test_times_of_a_result_are_moved() -> None:
    moved = json.loads(later(result(("好", 0.5, 1.0, 0.9)), 10))
    assert moved["result"] == [{"word": "好", "start": 10.5, "end": 11.0, "conf": 0.9}]
    assert json.loads(later('{"text": ""}', 10)) == {"text": ""}


def test_nothing_heard() -> None:
    heard = transcript_of([result()], "m", offset=3)
    assert heard.is_empty
    assert (heard.confidence, heard.start) == (0.0, 3)


def test_alternatives_share_the_probability() -> None:
    def reading(score: float, *words: str) -> dict[str, object]:
        rows = [{"word": word, "start": number, "end": number + 1} for number, word in enumerate(words)]
        return {"text": " ".join(words), "confidence": score, "result": rows}

    readings = [reading(100.0, "挂", "失"), reading(100.0, "挂", "是"), reading(20.0, "刮")]
    heard = transcript_of([json.dumps({"alternatives": readings})], "m")
    assert [word.confidence for word in heard.words] == [pytest.approx(1.0), pytest.approx(0.5)]
    assert [other.text for other in heard.alternatives] == ["挂是", "刮"]
    assert heard.alternatives[0].confidence == pytest.approx(0.5)


def test_empty_alternatives() -> None:
    assert transcript_of(['{"alternatives": [{"text": "", "confidence": 1.0}]}'], "m").is_empty


def test_unknown_word_is_left_out_and_latin_words_are_parted() -> None:
    assert joined(["用", "VIP", "APP", "[unk]", "转", "账"]) == "用VIP APP转账"


def test_phrases_become_known_words() -> None:
    vocabulary = {"转", "人工", "人", "工", "八", "四", "二", "好", "的", "二十"}
    phrases = in_known_words(["转人工", "8842", "好 的", "好", "囧", " "], vocabulary - {"二十"})
    assert phrases.grammar[0] == "转 人工"
    assert phrases.grammar[1:] == ["好 的", "好"]
    assert phrases.unknown == ["8842", "囧"]  # said as 八千八百四十二


def test_without_a_vocabulary_phrases_stay() -> None:
    assert in_known_words(["好 的"], frozenset()).grammar == ["好 的"]
