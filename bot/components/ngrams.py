"""What an utterance looks like and what it sounds like, as n-grams."""

import os
import re
import unicodedata
from functools import lru_cache
from typing import FrozenSet, List

# One reading per character is enough to tell utterances apart; the dictionary of phrases would take 60 MB.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "true")

from pypinyin.constants import PINYIN_DICT

LONGEST_SYLLABLE = 6
LATIN_OR_OTHER = re.compile(r"[a-z]+|\S")
START, END = "<", ">"


def character_ngrams(text: str, longest: int) -> List[str]:
    """All n-grams of 1 to `longest` characters, the ends of the utterance marked."""
    return _ngrams([START, *text.lower(), END], longest, "")


def sound_ngrams(text: str, longest: int) -> List[str]:
    """All n-grams of 1 to `longest` syllables, the ends of the utterance marked.

    Chinese, pinyin typed in Latin letters and misheard words that sound alike (转人工, zhuanrengong, 转人功) give the
    same syllables; see `syllables`.
    """
    return _ngrams([START, *syllables(text), END], longest, " ")


def syllables(text: str) -> List[str]:
    """The sounds of `text`: pinyin without tones and without the differences that dialects and recognisers blur.

    A Latin word that is no pinyin stays whole, digits and signs stand alone.
    """
    sounds: List[str] = []
    for part in LATIN_OR_OTHER.findall(text.lower()):
        if part.isascii() and part.isalpha():
            sounds.extend(_blurred(syllable) for syllable in _split_pinyin(part))
        else:
            sounds.append(_sound_of(part))
    return sounds


def _ngrams(units: List[str], longest: int, glue: str) -> List[str]:
    return [
        glue.join(units[start : start + length])
        for length in range(1, longest + 1)
        for start in range(len(units) - length + 1)
    ]


def _blurred(syllable: str) -> str:
    """zh/z, ch/c, sh/s, l/n at the beginning and -ng/-n at the end are one."""
    syllable = re.sub(r"^([zcs])h", r"\1", syllable)
    syllable = re.sub(r"^l(?=.)", "n", syllable)
    return re.sub(r"(?<=[aei])ng$", "n", syllable)


@lru_cache(maxsize=8192)
def _sound_of(sign: str) -> str:
    readings = PINYIN_DICT.get(ord(sign))
    return _blurred(_without_tone(readings.split(",")[0])) if readings else sign


@lru_cache(maxsize=4096)
def _split_pinyin(word: str) -> List[str]:
    """The fewest syllables that `word` can be read as; the word itself where it cannot."""
    best: List[List[str]] = [[]] + [[] for _ in word]
    for start in range(len(word)):
        if start and not best[start]:
            continue
        for end in range(start + 1, min(len(word), start + LONGEST_SYLLABLE) + 1):
            shorter = not best[end] or len(best[end]) > len(best[start]) + 1
            if shorter and word[start:end] in _known_syllables():
                best[end] = [*best[start], word[start:end]]
    return best[len(word)] or [word]


@lru_cache(maxsize=1)
def _known_syllables() -> FrozenSet[str]:
    readings = {reading for entry in PINYIN_DICT.values() for reading in entry.split(",")}
    return frozenset(_without_tone(reading) for reading in readings)


def _without_tone(reading: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFD", reading) if not unicodedata.combining(sign))
