"""How Chinese text is read aloud: characters to phones."""

import re

from pypinyin import Style, lazy_pinyin, pinyin

from asr.language.phones import syllable_phones

_HAN = re.compile(r"[㐀-鿿〇]+")
# Interjections that pypinyin writes without a vowel of Mandarin's inventory.
_VOWELLESS = {"n": "en", "ng": "en", "m": "mu", "hm": "heng", "hng": "heng", "ê": "ei"}


def is_chinese(text: str) -> bool:
    """Whether `text` consists of Chinese characters alone."""
    return bool(_HAN.fullmatch(text))


def read(text: str) -> list[str] | None:
    """The phones of `text`, read as a whole so that its words decide between a character's readings.

    None when something in it is no Chinese character.
    """
    if not is_chinese(text):
        return None
    phones: list[str] = []
    for syllable in lazy_pinyin(text, style=Style.NORMAL, v_to_u=False):
        try:
            phones += syllable_phones(_VOWELLESS.get(syllable, syllable))
        except ValueError:
            return None
    return phones


def readings(word: str, limit: int = 3) -> list[tuple[str, ...]]:
    """The readings of `word`, most usual first: one for a word, up to `limit` for a single character."""
    usual = read(word)
    if usual is None:
        return []
    found = [tuple(usual)]
    if len(word) == 1:
        found += [phones for phones in _all_readings(word) if phones not in found]
    return found[:limit]


def _all_readings(character: str) -> list[tuple[str, ...]]:
    """Every reading that differs without its tone, in pypinyin's order of frequency."""
    found = []
    for syllable in pinyin(character, style=Style.NORMAL, heteronym=True, v_to_u=False)[0]:
        try:
            phones = syllable_phones(_VOWELLESS.get(syllable, syllable))
        except ValueError:
            continue
        if phones not in found:
            found.append(phones)
    return found
