"""A customer's words as the lexical scorers see them: normalised characters, and their sound."""

import re
import unicodedata
from functools import lru_cache

from pypinyin import lazy_pinyin

_NOT_WORDS = re.compile(r"[^\w]+|_")
_FILLERS = re.compile(r"[嗯啊呃哦喔呀哎诶]|那个(?=[，,。、 ])|就是说")

# Finals and initials that speakers and recognisers mix up, reduced to one of the pair.
_SOUND_ALIKE = [("zh", "z"), ("ch", "c"), ("sh", "s"), ("ing", "in"), ("eng", "en"), ("ang", "an")]


@lru_cache(maxsize=50_000)
def normalise(text: str) -> str:
    """NFKC, lower case, without punctuation and fillers. Never empty unless the text has no word at all."""
    text = unicodedata.normalize("NFKC", text).lower()
    spoken = _NOT_WORDS.sub("", _FILLERS.sub("", text))
    return spoken or _NOT_WORDS.sub("", text)


@lru_cache(maxsize=20_000)
def syllables(text: str) -> tuple[str, ...]:
    """Toneless pinyin of the normalised text with sound-alike initials and finals merged.

    Other words stay as they are.
    """
    return tuple(_merge(syllable) for syllable in lazy_pinyin(normalise(text)))


def _merge(syllable: str) -> str:
    for sound, reduced in _SOUND_ALIKE:
        if syllable.startswith(sound) and sound in ("zh", "ch", "sh"):
            syllable = reduced + syllable[2:]
        elif syllable.endswith(sound):
            syllable = syllable[: -len(sound)] + reduced
    if syllable.startswith("n") and len(syllable) > 1 and syllable[1] in "aeiouv":
        return "l" + syllable[1:]
    return syllable


def sound_grams(text: str) -> list[str]:
    """Runs of one to three syllables."""
    sounds = syllables(text)
    return [" ".join(sounds[i : i + n]) for n in (1, 2, 3) for i in range(len(sounds) - n + 1)]


def character_grams(text: str) -> list[str]:
    """Runs of one to three characters of the normalised text."""
    characters = normalise(text)
    return [characters[i : i + n] for n in (1, 2, 3) for i in range(len(characters) - n + 1)]
