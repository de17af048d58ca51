"""Spoken form to sounds: toned pinyin with the readings that a bank's words want, and names for Latin letters."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from voice.synthesis.spoken_form import WORDS_AS_SUCH

READINGS = Path(__file__).with_name("readings.txt")

# Letter → (sounds of the English alphabet in Kokoro's symbols, pinyin that comes near for engines without English).
LETTERS = {
    "A": ("ˈA", "ei1"), "B": ("bˈi", "bi4"), "C": ("sˈi", "xi1"), "D": ("dˈi", "di4"), "E": ("ˈi", "yi4"),
    "F": ("ˈɛf", "ai2 fu5"), "G": ("ʤˈi", "ji4"), "H": ("ˈAʧ", "ei1 chi5"), "I": ("ˈI", "ai4"), "J": ("ʤˈA", "zhei4"),
    "K": ("kˈA", "kei4"), "L": ("ˈɛl", "ai2 lou5"), "M": ("ˈɛm", "ai2 mu5"), "N": ("ˈɛn", "en1"), "O": ("ˈO", "ou1"),
    "P": ("pˈi", "pi4"), "Q": ("kjˈu", "kiu1"), "R": ("ˈɑɹ", "a4 er5"), "S": ("ˈɛs", "ai2 si5"), "T": ("tˈi", "ti4"),
    "U": ("jˈu", "you1"), "V": ("vˈi", "wei1"), "W": ("dˈʌbᵊlju", "da2 bu5 liu5"), "X": ("ˈɛks", "ai2 ke5 si5"),
    "Y": ("wˈI", "wai4"), "Z": ("zˈi", "zei4"),
}  # fmt: skip
WORDS = {"WiFi": ("wˈIfˌI", "wai1 fai5"), "iPhone": ("ˈIfˌOn", "ai4 feng5"), "iPad": ("ˈIpˌæd", "ai4 pai5 de5"),
         "OK": ("ˌOkˈA", "ou1 kei4")}  # fmt: skip

_CHINESE = re.compile(r"[\u4e00-\u9fff]+")
_PIECES = re.compile(r"[\u4e00-\u9fff]+|" + "|".join(sorted(WORDS_AS_SUCH)) + r"|[A-Za-z]|[^\u4e00-\u9fffA-Za-z]+")


@cache
def _pypinyin() -> Any:
    """The dictionary with our phrases in it; loaded where something is spoken, 50 MB."""
    import pypinyin
    from pypinyin.contrib.tone_convert import to_tone
    from pypinyin.seg.mmseg import retrain, seg

    readings = {
        phrase: [[to_tone(syllable)] for syllable in reading.split()]
        for phrase, _, reading in (line.partition(" ") for line in READINGS.read_text(encoding="utf-8").splitlines())
        if phrase != "#"
    }
    pypinyin.load_phrases_dict(readings)
    retrain(seg)
    return pypinyin


def words(text: str) -> list[str]:
    """Chinese text in words, as far as the dictionary of readings knows them."""
    _pypinyin()
    from pypinyin.seg.mmseg import seg

    return list(seg.cut(text))


def pinyin(text: str) -> list[str]:
    """Toned syllables ("yin2", "hang2") of the Chinese characters in a spoken form; the neutral tone is 5."""
    return [syllable for run in _CHINESE.findall(text) for word in words(run) for syllable in syllables(word)]


def syllables(word: str) -> list[str]:
    library = _pypinyin()
    found: list[str] = library.lazy_pinyin(
        word, style=library.Style.TONE3, neutral_tone_with_five=True, v_to_u=False, errors="ignore"
    )
    return found


def pieces(spoken: str) -> list[str]:
    """A spoken form in Chinese runs, Latin words and letters, and what lies between."""
    return _PIECES.findall(spoken)


def latin(piece: str) -> tuple[str, str] | None:
    """Sounds and pinyin of a Latin word or letter; None for anything else."""
    return WORDS.get(piece) or LETTERS.get(piece.upper())
