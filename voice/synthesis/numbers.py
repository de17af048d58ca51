"""Numbers as they are read aloud in Mandarin."""

DIGITS = "零一二三四五六七八九"
PLACES = ("", "十", "百", "千")
GROUPS = ("", "万", "亿", "万亿")
LONGEST_CARDINAL = 16


def row(digits: str) -> str:
    """Digit by digit, as telephone and card numbers are read: 1 is 幺, so that it is not heard as 7."""
    return "".join("幺" if d == "1" else DIGITS[int(d)] for d in digits if d.isdigit())


def plain_row(digits: str) -> str:
    """Digit by digit as in years and decimals."""
    return "".join(DIGITS[int(d)] for d in digits)


def cardinal(digits: str) -> str:
    """ "10500" → 一万零五百. Longer than the language has names for: digit by digit."""
    digits = digits.replace(",", "").lstrip("0") or "0"
    if len(digits) > LONGEST_CARDINAL:
        return row(digits)
    if digits == "0":
        return "零"
    text = _groups(digits)
    text = text[1:] if text.startswith("一十") else text
    return "两" + text[1:] if text[:2] in ("二千", "二万", "二亿") else text


def _groups(digits: str) -> str:
    parts = [digits[max(0, end - 4) : end] for end in range(len(digits), 0, -4)]
    text, gap = "", False
    for index in reversed(range(len(parts))):
        group = parts[index]
        if not int(group):
            gap = bool(text)
            continue
        # A zero is said where places are missing between two figures that are there.
        if text and (gap or group[0] == "0"):
            text += "零"
        text += _thousands(group.lstrip("0")) + GROUPS[index]
        gap = False
    return text


def _thousands(group: str) -> str:
    text, gap = "", False
    for index, digit in enumerate(group):
        if digit == "0":
            gap = True
            continue
        text += ("零" if gap and text else "") + DIGITS[int(digit)] + PLACES[len(group) - 1 - index]
        gap = False
    return text


def number(text: str) -> str:
    """ "1,234.50" → 一千二百三十四点五零; a sign is read too."""
    sign = "负" if text[:1] in "-−" and text[:1] else ""
    whole, _, decimals = text.lstrip("-−+").partition(".")
    return sign + cardinal(whole or "0") + (f"点{plain_row(decimals)}" if decimals else "")


def money(amount: str, unit: str = "元") -> str:
    """ "12.34" → 十二元三角四分; more than two decimals are read as a decimal number."""
    whole, _, decimals = amount.replace(",", "").partition(".")
    if unit != "元" or len(decimals) > 2:
        decimals = decimals.rstrip("0")
        return number(f"{whole}.{decimals}" if decimals else whole) + unit
    jiao, fen = (int(d) for d in decimals.ljust(2, "0"))
    small = (f"{DIGITS[jiao]}角" if jiao else "") + (f"{DIGITS[fen]}分" if fen else "")
    if int(whole or "0") == 0 and small:
        return small
    link = "零" if fen and not jiao else ""
    return counted(whole, unit) + link + small


def counted(digits: str, measure: str) -> str:
    """A number of things: 2 before a measure word is 两."""
    return ("两" if digits.lstrip("0") == "2" else cardinal(digits)) + measure
