"""Both sides of a comparison in one form, so that only what was misheard counts as an error.

NFKC; no punctuation, no spaces; lower-case Latin; numbers, amounts and dates to figures; fillers dropped by a setting.
"""

import re
import unicodedata

from asr.written_form import written_form

FILLERS = re.compile("[嗯啊呃]|那个")
_KEPT = frozenset("%‰.:")  # signs of numbers
_DIGITS = str.maketrans("零〇一二两三四五六七八九幺", "0012234567891")


def normalised(text: str, drop_fillers: bool = True) -> str:
    """`text` as it is compared."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    text = "".join(sign for sign in text if sign in _KEPT or not _is_silent(sign))
    if drop_fillers:
        text = FILLERS.sub("", text)
    return _figures_alike(written_form(text))


def _is_silent(sign: str) -> bool:
    return unicodedata.category(sign)[0] in "PZCSM" and sign not in "$€"


def _figures_alike(text: str) -> str:
    """What two writers may write differently: 3:30 and 3点半, 5号 and 5日, 两张 and 2张."""
    text = text.translate(_DIGITS)
    text = re.sub(r"(?<=\d):(?=\d\d)", "点", text)
    text = re.sub(r"点(\d\d?)分", r"点\1", text).replace("点半", "点30").replace("点钟", "点")
    text = re.sub(r"(?<=\d月)(\d{1,2})号", r"\1日", text)
    # Signs that stand in no number are punctuation after all.
    return re.sub(r"(?<!\d)[.:%‰]|[.:](?!\d)", "", text)
