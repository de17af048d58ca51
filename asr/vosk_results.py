"""Vosk's results, which are JSON, as transcripts.

Without alternatives a result is {"text", "result": [{"word", "start", "end", "conf"}]}; with alternatives it is
{"alternatives": [{"text", "confidence", "result": [{"word", "start", "end"}]}]}, where confidence is a log-likelihood.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from asr.engine import Alternative, Transcript, Word
from asr.written_form import written_form

UNKNOWN = "[unk]"
SAME_WORD_SECONDS = 0.3  # readings place the same word so close together


def joined(words: Sequence[str]) -> str:
    """Chinese words without spaces; a space between two Latin ones."""
    text = ""
    for word in words:
        if word == UNKNOWN:
            continue
        between = " " if text and _is_latin(text[-1]) and _is_latin(word[0]) else ""
        text += between + word
    return text


def _is_latin(character: str) -> bool:
    return character.isascii() and character.isalnum()


def transcript_of(results: Sequence[str], model: str, offset: float = 0.0) -> Transcript:
    """One transcript of Vosk's results in their order; `offset` seconds are added to its times."""
    words: list[Word] = []
    alternatives: list[Alternative] = []
    for result in results:
        found, others = _readings(json.loads(result), offset)
        words += found
        alternatives += others
    spoken = joined([word.text for word in words])
    return Transcript(
        text=written_form(spoken), spoken=spoken, confidence=_mean([word.confidence for word in words]), words=words,
        alternatives=alternatives, model=model, start=words[0].start if words else offset,
        end=words[-1].end if words else offset,
    )  # fmt: skip


def later(result: str, offset: float) -> str:
    """A result with `offset` seconds added to its times."""
    parsed = json.loads(result)
    for part in [parsed, *parsed.get("alternatives", [])]:
        for word in part.get("result", []):
            word["start"] += offset
            word["end"] += offset
    return json.dumps(parsed, ensure_ascii=False)


def _readings(result: Mapping[str, Any], offset: float) -> tuple[list[Word], list[Alternative]]:
    if "alternatives" not in result:
        return _words(result, offset), []
    readings = result["alternatives"]
    shares = _shares([float(reading["confidence"]) for reading in readings])
    spoken = [_words(reading, offset) for reading in readings]
    best = [
        Word(word.text, word.start, word.end, _support(word, spoken, shares)) for word in (spoken[0] if spoken else [])
    ]
    others = [
        Alternative(written_form(joined([word.text for word in words])), share)
        for words, share in list(zip(spoken, shares, strict=True))[1:]
    ]
    return best, others


def _words(result: Mapping[str, Any], offset: float) -> list[Word]:
    return [
        Word(item["word"], item["start"] + offset, item["end"] + offset, min(1.0, item.get("conf", 0.0)))
        for item in result.get("result", [])
        if item["word"] != UNKNOWN
    ]


def _shares(scores: Sequence[float]) -> list[float]:
    """Probabilities from log-likelihoods."""
    best = max(scores, default=0.0)
    weights = [math.exp(score - best) for score in scores]
    return [weight / sum(weights) for weight in weights]


def _support(word: Word, readings: Sequence[Sequence[Word]], shares: Sequence[float]) -> float:
    """The share of the readings that have `word` at its place."""
    return min(1.0, sum(
        share for reading, share in zip(readings, shares, strict=True)
        if any(other.text == word.text and abs(other.start - word.start) < SAME_WORD_SECONDS for other in reading)
    ))  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
