"""Spoken Chinese to how a bank writes it: "尾号八八四二" → "尾号8842", "三万五" → "35000", "一块五" → "1.5元".

Numbers are read by cn2an; the rules here decide what is a number at all. A single digit before a measure word stays
("三个月"), and so do approximate numbers ("两三百块"), weekdays and idioms.
"""

import re
from collections.abc import Callable
from decimal import Decimal

import cn2an

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]

_DIGITS = {character: str(digit) for digit, character in enumerate("零一二三四五六七八九")} | {
    "〇": "0", "幺": "1", "两": "2",
}  # fmt: skip
_D = "[零〇一二两三四五六七八九]"
_N = "[一二两三四五六七八九]"
_ROW = "[零〇一二三四五六七八九幺]"
_PLACED = "[零〇一二两三四五六七八九十百千万亿]"
_NOT_IN_NUMBER = rf"(?<!{_PLACED})(?<![幺几数第\d])(?<!\d元)"
# A cardinal: one digit, or digits with places.
_CARDINAL = rf"(?:{_PLACED}*[十百千万亿]{_PLACED}*|{_D})"
_MEASURES = "个张笔次天年月日号点位家种人块元条项万千百十亿成倍份件户卡期分钟小遍本只套道层排级类"

# What looks like a number and is none. Idioms whose numerals no rule would touch need no mention.
_FIXED = re.compile(
    "三七二十一|九牛一毛|一毛不拔|一毛一样|十全十美|三百六十行|一二三类|一二类|二三类|三三两两|百分百|百分点"
    "|双十[一二]|十一(?=期间|假期|放假|黄金周|长假|国庆)|五一(?=期间|假期|放假|劳动)|十足|(?<!点)十分(?![钟之])"
    "|一点一[滴点]|一千零一夜|万分之[零〇一二两三四五六七八九十点]+|一百个(?=放心|愿意|同意|不)"
    rf"|{_N}[到至、]{_N}[十百千万亿]+(?={_PLACED})?|[几数]{_PLACED}+|第{_N}(?!{_PLACED})"
    rf"|(?:星期|周|礼拜){_N}(?!{_PLACED}|年)"
)
_HIDDEN = 0xE000  # the private use area: the place of a fixed expression while the rules work

_DAY_PARTS = "早上|上午|中午|下午|晚上|凌晨|傍晚|夜里|半夜|清晨|早晨|今早|今晚|明早|明晚|今天|明天|后天|昨天|早|晚"
_ROW_BEFORE = (
    "尾号|后[三四六]位|卡号|账号|帐号|验证码|密码|手机号|手机号码|电话|号码|分机|编号|工号|单号|邮编|证号|拨打|拨|按"
)


def written_form(spoken: str) -> str:
    """`spoken` with its numbers, amounts, dates and times in figures. What is in figures already stays."""
    if not spoken:
        return spoken
    hidden: list[str] = []

    def hide(match: re.Match[str]) -> str:
        hidden.append(match[0])
        return chr(_HIDDEN + len(hidden) - 1)

    text = _FIXED.sub(hide, spoken)
    for pattern, write in _RULES:
        text = pattern.sub(write, text)
    return "".join(hidden[ord(sign) - _HIDDEN] if 0 <= ord(sign) - _HIDDEN < len(hidden) else sign for sign in text)


def number(cardinal: str) -> Decimal | None:
    """The value of a cardinal, "三万五" or "十二"; None when it is no single number ("两三百", "百八十")."""
    if len(cardinal) == 1 and cardinal in _DIGITS:
        return Decimal(_DIGITS[cardinal])
    is_doubtful = re.search(rf"{_N}{{2}}|[零〇]{{2}}|[零〇]$|^[零〇百千万亿]|[十百千]十|[百千]百", cardinal)
    if is_doubtful or not re.search("[十百千万亿]", cardinal):
        return None
    try:
        return Decimal(str(cn2an.cn2an(cardinal.replace("〇", "零"), "normal")))
    except (ValueError, KeyError):  # KeyError: "一亿一"
        return None


def _figures(value: Decimal) -> str:
    """Plain figures; whole hundreds of millions are written with 亿."""
    if value >= 10**8 and value % 10**8 == 0:
        return f"{int(value) // 10**8}亿"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _row(digits: str) -> str:
    return "".join(_DIGITS[digit] for digit in digits)


def _cardinal(match: re.Match[str]) -> str:
    value = number(match[0])
    return match[0] if value is None else _figures(value)


def _decimal_value(whole: str, decimals: str | None) -> Decimal | None:
    value = number(whole)
    if value is None or not decimals:
        return value
    return Decimal(f"{value}.{_row(decimals)}")


def _decimal(match: re.Match[str]) -> str:
    value = _decimal_value(match["whole"], match["decimals"])
    if value is None:
        return match[0]
    if scale := match["scale"]:
        return _figures(value * {"百": 100, "千": 1000, "万": 10**4, "亿": 10**8}[scale])
    # The decimals stay as they were said: 三点一零 is 3.10.
    return f"{number(match['whole'])}.{_row(match['decimals'])}"


def _percent(sign: str) -> Callable[[re.Match[str]], str]:
    def write(match: re.Match[str]) -> str:
        first = _share(match["whole"], match["decimals"])
        if first is None:
            return match[0]
        if not match["upper"]:
            return first + sign
        upper = _share(match["upper"], match["upper_decimals"])
        return match[0] if upper is None else f"{first}{sign}{match['to']}{upper}{sign}"

    return write


def _share(whole: str, decimals: str | None) -> str | None:
    value = Decimal(100) if whole == "百" else number(whole)
    if value is None:
        return None
    return f"{value}.{_row(decimals)}" if decimals else f"{value}"


def _money(match: re.Match[str]) -> str:
    yuan, rest = number(match["yuan"]), match["rest"] or ""
    if yuan is None or match[0] == "一块":  # 一块去: together
        return match[0]
    if match["half"]:
        return f"{_figures(yuan + Decimal('0.5'))}元"
    return f"{_figures(yuan + _small_money(rest))}元"


def _small_money(rest: str) -> Decimal:
    """角 and 分 as a part of a yuan: "五毛八", "五", "零五分"."""
    digits = re.findall(_D, rest.removeprefix("零"))
    if len(digits) == 1 and rest.endswith("分"):
        return Decimal(_DIGITS[digits[0]]) / 100
    return sum((Decimal(_DIGITS[digit]) / 10**place for place, digit in enumerate(digits, start=1)), Decimal(0))


def _change(match: re.Match[str]) -> str:
    """An amount below one yuan: "五毛", "三毛八", "五分钱"."""
    return f"{_figures(_small_money(match['rest']))}元"


def _year(match: re.Match[str]) -> str:
    return f"{_row(match['year'])}年"


def _month_and_day(match: re.Match[str]) -> str:
    month, day = number(match["month"]), number(match["day"]) if match["day"] else None
    if month is None or not 1 <= month <= 12 or (match["day"] and (day is None or not 1 <= day <= 31)):
        return match[0]
    return f"{month}月" + (f"{day}日" if day else "")


def _day(match: re.Match[str]) -> str:
    return f"{number(match['day'])}号"


def _row_after_its_name(match: re.Match[str]) -> str:
    return match["before"] + _row(match["row"])


def _clock(match: re.Match[str]) -> str:
    hour = number(match["hour"])
    if hour is None or hour > 24:
        return match[0]
    minutes = match["minutes"] or ""
    if minutes and minutes not in {"半", "钟", "整", "一刻", "三刻"}:
        value = _minutes(minutes.removesuffix("分"))
        if value is None:
            return match[0]
        minutes = value + ("分" if minutes.endswith("分") else "")
    return f"{match['before'] or ''}{hour}点{minutes}"


def _minutes(text: str) -> str | None:
    value = number(text.removeprefix("零"))
    if value is None or value > 59:
        return None
    return f"{value:02}" if text.startswith("零") else f"{value}"


_SHARE = rf"(?P<whole>百|{_CARDINAL})(?:点(?P<decimals>{_D}+))?"
_UPPER = rf"(?:(?P<to>[到至])(?:SIGN)?(?P<upper>{_CARDINAL})(?:点(?P<upper_decimals>{_D}+))?(?![个年月天]))?"
_BARE_JIAO = rf"{_N}(?![{_MEASURES}毛角])"
_SMALL = rf"零?{_D}[毛角](?:{_N}(?:分|(?![{_MEASURES}])))?|零{_N}分"
_MINUTES = rf"半|钟|整|[一三]刻|零{_N}分?|(?:[二三四五]?十{_N}?)分?|{_N}分(?!钟)"

_ALONE = rf"(?<!{_PLACED})(?<![几数幺\d])(?<!\d元)"  # before a number that no other numeral belongs to
_A_LITTLE = "(?<![有快慢早晚多少好稍])"  # 有一点 … is no number
_HOUR = rf"(?P<hour>二?十{_N}?|{_D})点"
_DAY = rf"(?P<day>[二三]?十{_N}?|{_N})"
_YUAN = rf"(?P<yuan>{_CARDINAL})"

# In this order: what a rule has written is no numeral for those after it.
_RULES: tuple[Rule, ...] = tuple((re.compile(pattern), write) for pattern, write in (
    (rf"百分之{_SHARE}{_UPPER.replace('SIGN', '百分之')}", _percent("%")),
    (rf"千分之{_SHARE}{_UPPER.replace('SIGN', '千分之')}", _percent("‰")),
    (rf"(?<!{_PLACED})(?P<year>[一二][零〇一二三四五六七八九]{{3}})年", _year),
    (rf"(?<!{_PLACED})(?P<year>[零〇一二九八][零〇一二三四五六七八九])年(?=(?:十[一二]?|{_N})月)", _year),
    (rf"{_NOT_IN_NUMBER}(?P<month>十[一二]?|{_N})月(?:{_DAY}[号日])?", _month_and_day),
    (rf"{_NOT_IN_NUMBER}{_DAY}号(?!码)", _day),
    (rf"(?P<before>{_DAY_PARTS}){_HOUR}(?P<minutes>{_MINUTES})?(?!{_PLACED})", _clock),
    (rf"(?P<before>){_A_LITTLE}{_NOT_IN_NUMBER}{_HOUR}(?P<minutes>{_MINUTES})(?!{_PLACED})", _clock),
    (rf"(?P<before>)(?<=[点半分整刻][到至]){_HOUR}(?P<minutes>)(?!{_D})", _clock),
    (rf"(?P<before>){_NOT_IN_NUMBER}{_HOUR}(?P<minutes>)(?=[到至]\d{{1,2}}点)", _clock),
    (rf"{_ALONE}{_YUAN}块(?:(?P<rest>{_SMALL}|{_BARE_JIAO})|(?P<half>半))?钱?", _money),
    (rf"{_ALONE}(?<!第){_YUAN}元(?P<rest>{_SMALL})?(?P<half>)钱?(?![件素])", _money),
    (rf"{_ALONE}(?P<rest>{_N}[毛角](?:{_N}(?:分|(?![{_MEASURES}])))?)(?![利币落度色])钱?", _change),
    (rf"{_ALONE}(?P<rest>{_N}分)钱", _change),
    (rf"{_ALONE}{_A_LITTLE}(?<!第)(?P<whole>{_CARDINAL})点(?P<decimals>{_D}+)(?P<scale>[百千万亿])?(?![十钟分刻]|维码|手)",
     _decimal),
    (rf"(?P<before>(?:{_ROW_BEFORE})(?:是|为|四位)?)(?P<row>{_ROW}+)(?![十百千万亿个张笔次])", _row_after_its_name),
    (rf"{_ALONE}(?:{_ROW}{{3,}}|(?={_ROW}*幺){_ROW}{{2,}})(?![十百千万亿两])", lambda match: _row(match[0])),
    (rf"{_ALONE}(?!十几){_PLACED}*[十百千万亿]{_PLACED}*", _cardinal),
    (r"(?<=\d)块钱?|(?<=\d)元钱", lambda _match: "元"),
))  # fmt: skip
