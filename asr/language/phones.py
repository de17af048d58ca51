"""The sounds of Mandarin as the network knows them: initials and finals without tone.

A syllable is at most two phones: its initial and its final. `y` and `w` count as initials; where one letter stands for
several finals the phone says which (`ii` of zi, `iii` of zhi, `v` of ju, `ian` of yan). Tones are left out: on a narrow
telephone line they are heard unreliably, and the language model tells homophones apart.
"""

from collections.abc import Sequence

# Kaldi numbers phones from 1. Phone 1 is silence and at the same time the blank of CTC.
SILENCE = "SIL"

_TWO_LETTER_INITIALS = ("zh", "ch", "sh")
_INITIALS = (*_TWO_LETTER_INITIALS, *"bpmfdtnlgkhjqxrzcsyw")

PHONES = (
    SILENCE,
    *("b", "c", "ch", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "q", "r", "s", "sh", "t", "w", "x", "y", "z"),
    "zh",
    *("a", "ai", "an", "ang", "ao", "e", "ei", "en", "eng", "er", "i", "ia", "ian", "iang", "iao", "ie", "ii", "iii"),
    *("in", "ing", "iong", "iu", "o", "ong", "ou", "u", "ua", "uai", "uan", "uang", "ui", "un", "uo"),
    *("v", "van", "ve", "vn"),
)
PHONE_ID = {phone: number for number, phone in enumerate(PHONES, start=1)}


def syllable_phones(syllable: str) -> tuple[str, ...]:
    """The phones of one toneless pinyin syllable, with `v` or `ü` for the rounded vowel.

    Raises ValueError for what is no Mandarin syllable.
    """
    syllable = syllable.replace("ü", "v")
    initial = next((letters for letters in _INITIALS if syllable.startswith(letters)), "")
    phones = tuple(phone for phone in (initial, _final(initial, syllable[len(initial) :])) if phone)
    if not phones or any(phone not in PHONE_ID for phone in phones):
        raise ValueError(f"not a Mandarin syllable: {syllable!r}")
    return phones


def _final(initial: str, letters: str) -> str:
    """The final that `letters` stand for after `initial`."""
    if initial in {"j", "q", "x", "y"} and letters.startswith("u"):
        return "v" + letters[1:]
    if letters == "i" and initial in {"z", "c", "s"}:
        return "ii"
    if letters == "i" and initial in {"zh", "ch", "sh", "r"}:
        return "iii"
    if initial == "y" and letters in {"an", "e"}:
        return "i" + letters
    return letters


def phone_ids(phones: Sequence[str]) -> list[int]:
    """Kaldi's numbers of `phones`, from 1."""
    return [PHONE_ID[phone] for phone in phones]
