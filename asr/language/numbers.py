"""Numbers as they are said: digits to Chinese characters.

How a number is read depends on what it is: an amount has places (三百五); the number of a card or a telephone is a row
of digits, in which one is often 幺; a year is a row of digits too.
"""

import re

DIGITS = "零一二三四五六七八九"
_PLACES = ("", "十", "百", "千")
_MYRIADS = ("", "万", "亿", "万亿")


def say_cardinal(number: int) -> str:
    """A whole number with its places: 10 十, 12 十二, 205 二百零五, 20000 二万.

    Raises ValueError below zero and from 10**16 on.
    """
    if not 0 <= number < 10**16:
        raise ValueError(f"cannot say {number}")
    if number == 0:
        return "零"
    groups = []
    while number:
        number, group = divmod(number, 10000)
        groups.append(group)
    said = ""
    for place in range(len(groups) - 1, -1, -1):
        group = groups[place]
        if group:
            gap = bool(said) and group < 1000
            said += ("零" if gap else "") + _say_group(group) + _MYRIADS[place]
        # An empty group between two full ones is said by the 零 of the next.
    return said.removeprefix("一") if said.startswith("一十") else said


def _say_group(group: int) -> str:
    """1 … 9999 with its places."""
    said, gap = "", False
    for place in (3, 2, 1, 0):
        digit = group // 10**place % 10
        if digit:
            said += ("零" if gap else "") + DIGITS[digit] + _PLACES[place]
            gap = False
        else:
            gap = bool(said)
    return said


def say_digits(digits: str, one: str = "一") -> str:
    """A row of digits, one by one; `one` is 幺 where a customer would rather say that."""
    return "".join(one if digit == "1" else DIGITS[int(digit)] for digit in digits)


def say_decimal(text: str) -> str:
    """A number with or without decimals: 3.45 三点四五."""
    whole, _, decimals = text.partition(".")
    said = say_cardinal(int(whole or 0))
    return f"{said}点{say_digits(decimals)}" if decimals else said


_PERCENT = re.compile(r"(\d+(?:\.\d+)?)[%％]")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?=年)")
_CLOCK = re.compile(r"(?<!\d)(\d{1,2})[:：](\d\d)(?!\d)")
_GROUPED = re.compile(r"(?<=\d),(?=\d{3})")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
# So long a row of digits, or one that starts with 0 or the bank's 955, is a number of a card or a telephone.
_ROW_LENGTH = 7


def say_numbers(text: str) -> str:
    """`text` with its digits as they are said."""
    text = _GROUPED.sub("", text)
    text = _PERCENT.sub(lambda match: f"百分之{say_decimal(match[1])}", text)
    text = _YEAR.sub(lambda match: say_digits(match[1]), text)
    text = _CLOCK.sub(_say_clock, text)
    text = re.sub(r"(?<=尾号)(\d{4})", lambda match: say_digits(match[1]), text)
    return _NUMBER.sub(_say_number, text)


def _say_clock(match: re.Match[str]) -> str:
    minutes = int(match[2])
    said = f"{say_cardinal(int(match[1]))}点"
    if minutes:
        said += ("零" if minutes < 10 else "") + f"{say_cardinal(minutes)}分"
    return said


def _say_number(match: re.Match[str]) -> str:
    digits = match[0]
    is_row = "." not in digits and (
        len(digits) >= _ROW_LENGTH or digits.startswith("955") or (digits[0] == "0" and len(digits) > 1)
    )
    return say_digits(digits, one="幺") if is_row else say_decimal(digits)
