"""Hide what identifies a customer.

Bank cards, identity cards and phone numbers. Used by the log chain and by exports.
"""

import re
from typing import Any

from stdnum import luhn
from stdnum.cn import ric

_SEPARATOR = r"[ \-\u00a0]?"
# Longest first: an identity number is 17 digits and a check character, a card 13 to 19 digits, a mobile number 11.
_DIGITS = re.compile(rf"(?<!\d)(?:\d{_SEPARATOR}){{10,18}}[\dXx](?!\d)")
_MOBILE = re.compile(r"1[3-9]\d{9}")
_LANDLINE = re.compile(r"(?<!\d)0\d{2,3}-\d{7,8}(?!\d)")
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+", re.ASCII)


def mask(text: str) -> str:
    """The text without card, identity and phone numbers and e-mail addresses; of a card the last four digits stay."""
    text = _DIGITS.sub(_mask_number, text)
    text = _LANDLINE.sub("[电话]", text)
    return _EMAIL.sub("[邮箱]", text)


def _mask_number(match: re.Match[str]) -> str:
    number = re.sub(r"[ \-\u00a0]", "", match.group())
    kind = _kind(number)
    return f"[{kind}尾号{number[-4:]}]" if kind == "卡号" else f"[{kind}]"


def _kind(number: str) -> str:
    # The check character alone: the register of places that `ric` knows is not complete.
    if len(number) == 18 and number[-1].upper() in ("X", ric.calc_check_digit(number)):
        return "证件号"
    if _MOBILE.fullmatch(number):
        return "手机号"
    if 13 <= len(number) <= 19 and luhn.is_valid(number):
        return "卡号"
    # Wrongly typed card and identity numbers identify a customer nearly as well as right ones.
    return "号码"


def mask_values(value: Any) -> Any:
    """`mask` over everything inside nested dicts, lists and tuples.

    What is neither text nor of these stays as it is, unless its representation would give something away.
    """
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {mask_values(key): mask_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        masked = [mask_values(item) for item in value]
        return masked if isinstance(value, list) else tuple(masked)
    if isinstance(value, float | None):
        return value
    shown = repr(value)
    return value if mask(shown) == shown else mask(shown)
