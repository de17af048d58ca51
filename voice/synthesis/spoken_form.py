"""Written text as it is said aloud: no digits, signs, links or Markdown are left, only Chinese, Latin letters and
pauses.

The rules are applied in their order, the most telling first: what is a telephone number must not be read as an amount.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence

from voice.synthesis.numbers import cardinal, counted, money, number, plain_row, row

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str] | str]

_N = r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_TO = r"\s?(?:-|－|–|—|~|～|至|到)\s?"
_SCALE = r"[百千万亿]{0,2}"
_MONEY = {
    "¥": "元", "￥": "元", "RMB": "元", "CNY": "元", "$": "美元", "US$": "美元", "USD": "美元", "HK$": "港元",
    "HKD": "港元", "€": "欧元", "EUR": "欧元", "£": "英镑", "GBP": "英镑", "JPY": "日元",
}  # fmt: skip
_UNITS = {
    "km²": "平方公里", "m²": "平方米", "㎡": "平方米", "km/h": "公里每小时", "km": "公里", "kg": "公斤",
    "cm": "厘米", "mm": "毫米", "ml": "毫升", "mL": "毫升", "kWh": "度", "GB": "G B", "MB": "M B",
    "KB": "K B", "℃": "摄氏度", "°C": "摄氏度", "BP": "个基点", "bp": "个基点", "g": "克", "m": "米",
    "h": "小时", "min": "分钟", "s": "秒",
}  # fmt: skip
_MEASURES = "个张笔次位天年份家部条项户种人本套元块期级倍遍小时分钟周颗台间门"
_WORDS = {"wi-fi": "WiFi", "wifi": "WiFi", "iphone": "iPhone", "ipad": "iPad", "ios": "i O S", "android": "安卓",
          "e-mail": "邮箱", "email": "邮箱", "ok": "OK", "etc": "E T C", "app": "A P P", "online": "在线"}  # fmt: skip
WORDS_AS_SUCH = {"WiFi", "iPhone", "iPad", "OK"}  # pronounced, not spelled


def spoken_form(text: str) -> str:
    text = _without_markup(text)
    text = "".join(unicodedata.normalize("NFKC", c) if "！" <= c <= "～" and c.isalnum() else c for c in text)
    text = text.replace("％", "%").replace("：", ":") if re.search(r"\d：\d|％", text) else text
    for pattern, reading in RULES:
        text = pattern.sub(reading, text)
    return _tidy(text)


def _without_markup(text: str) -> str:
    for pattern, replacement in MARKUP:
        text = pattern.sub(replacement, text)
    return text


def _compiled(rules: Sequence[tuple[str, Callable[[re.Match[str]], str] | str]], flags: int = 0) -> list[Rule]:
    return [(re.compile(pattern, flags), reading) for pattern, reading in rules]


MARKUP = _compiled((
    (r"(?<!\d)(\d{3,6})\*{2,}(\d{3,6})(?!\d)", lambda m: f"{row(m[1])}，尾号{row(m[2])}"),  # before ** is bold
    (r"```.*?```", ""),
    (r"!\[[^\]]*\]\([^)]*\)", ""),
    (r"\[([^\]]+)\]\([^)]*\)", r"\1"),
    (r"[（(]?(?:https?://|www\.)[A-Za-z0-9./?=&%_:#~+-]+[)）]?", ""),
    (r"[A-Za-z0-9_.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", "邮箱"),
    (r"<[^>\n]{1,80}>", ""),
    (r"(?m)^\s{0,3}#{1,6}\s*", ""),
    (r"(?m)^\s*(?:[-*+•·]|>)\s+", ""),
    (r"(?m)^\s*(\d{1,2})[.．、)]\s*(?=\D)", lambda match: f"第{cardinal(match[1])}，"),
    (r"(?m)^\s*\|?[\s:|-]{3,}\|?\s*$", ""),
    (r"\s*\|\s*", "，"),
    (r"\*\*|__|`|~~|(?<!\d)\*(?!\d)", ""),
    (r"[ \t]*\n+[ \t]*", "\n"),
    (r"(?<=[^。！？!?；;，,：:、\n])\n", "。"),
    (r"\n", ""),
), re.DOTALL)  # fmt: skip


def _date(match: re.Match[str]) -> str:
    return f"{plain_row(match['y'])}年{cardinal(match['m'])}月{cardinal(match['d'])}日"


def _clock(hour: str, minute: str) -> str:
    if int(minute) == 0:
        return f"{counted(hour, '')}点"
    return f"{counted(hour, '')}点{'零' if int(minute) < 10 else ''}{cardinal(minute)}分"


def _clocks(match: re.Match[str]) -> str:
    return f"{_clock(match[1], match[2])}到{_clock(match[3], match[4])}"


def _share(sign: str, value: str) -> str:
    return {"%": "百分之", "‰": "千分之", "‱": "万分之"}[sign] + number(value)


def _shares(match: re.Match[str]) -> str:
    return f"{_share(match['sign'], match[1])}到{_share(match['sign'], match[2])}"


def _range(match: re.Match[str]) -> str:
    return f"{number(match[1])}{match[2]}到{_with_measure(match[3], match[4])}"


def _with_measure(digits: str, rest: str) -> str:
    return counted(digits, rest) if digits.isdigit() and rest[:1] in _MEASURES and rest else number(digits) + rest


def _amount_before(match: re.Match[str]) -> str:
    unit = _MONEY[match["sign"]]
    scale = match["scale"]
    return number(match["n"]) + scale + unit if scale else money(match["n"], unit)


_DIGITS_AFTER = (
    r"(?:尾号|末四位|后四位|前四位|后六位|卡号|账号|帐号|户号|编号|单号|流水号|验证码|动态码|身份证号码?|证件号码?|手机号码?|电话|热线|"
    r"致电|拨打|客服|短信至?|发送|按)"
)

RULES: list[Rule] = _compiled((
    # rows of digits
    (r"(?<![\d-])(\d{17})([\dXx])(?!\d)", lambda m: row(m[1]) + ("X" if m[2] in "Xx" else row(m[2]))),
    (r"(?<![\d-])([48]00)[- ]?(\d{3,4})[- ]?(\d{3,4})(?!\d)", lambda m: "，".join(row(part) for part in m.groups())),
    (r"(?<![\d-])(0\d{2,3})[- ](\d{7,8})(?!\d)", lambda m: f"{row(m[1])}，{row(m[2])}"),
    (r"(?<!\d)\+86[- ]?", ""),
    (r"(?<!\d)(1[3-9]\d)[- ]?(\d{4})[- ]?(\d{4})(?!\d)", lambda m: "，".join(row(part) for part in m.groups())),
    (r"(?<![\d.])(9[56]\d{3,4}|123\d\d|1[12]\d|10086|1001[0-9]|10000)(?![\d.,]|[" + _MEASURES + r"%万千])",
     lambda m: row(m[1])),
    (rf"({_DIGITS_AFTER}(?:是|为|:|：)?\s?[“\"]?)(\d[\d ]*\d|\d)(?![\d.,]|[次个位天年]|元|-\d)",
     lambda m: m[1] + (row(m[2]) if len(m[2]) > 1 else plain_row(m[2]))),
    # dates and times
    (r"(?<!\d)(?P<y>(?:19|20)\d\d)[-/.](?P<m>0?[1-9]|1[0-2])[-/.](?P<d>0?[1-9]|[12]\d|3[01])(?!\d)", _date),
    (r"(?<!\d)((?:19|20)\d\d)(?=年)", lambda m: plain_row(m[1])),
    (r"(?<!\d)(\d\d)(?=年(?:代|\d{1,2}月))", lambda m: plain_row(m[1])),
    (rf"(?<!\d)(\d{{1,2}}):(\d\d)(?::\d\d)?{_TO}(\d{{1,2}}):(\d\d)(?::\d\d)?(?!\d)", _clocks),
    (r"(?<!\d)([01]?\d|2[0-4]):([0-5]\d):([0-5]\d)(?!\d)",
     lambda m: _clock(m[1], m[2]) + (cardinal(m[3]) + "秒" if int(m[3]) else "")),
    (r"(?<!\d)([01]?\d|2[0-4]):([0-5]\d)(?!\d)", lambda m: _clock(m[1], m[2])),
    (r"(?<!\d)2点", "两点"),
    (r"(?<!\d)(\d+)\s?[×xX*]\s?(\d+)(?!\d)", lambda m: f"{cardinal(m[1])}乘{cardinal(m[2])}"),
    (r"T\s?\+\s?(\d)", lambda m: f"T加{cardinal(m[1])}"),
    (r"(?<=[A-Za-z\d])\s?\+\s?(?=\d)", "加"),
    # shares and amounts
    (rf"({_N})%?{_TO}({_N})(?P<sign>[%‰‱])", _shares),
    (rf"[-−]({_N})([%‰‱])", lambda m: _share(m[2], m[1]).replace("之", "之负", 1)),
    (rf"({_N})([%‰‱])", lambda m: _share(m[2], m[1])),
    (rf"(?P<sign>US\$|HK\$|[¥￥$€£]|RMB|CNY|USD|HKD|EUR|GBP|JPY)\s?(?P<n>{_N})(?P<scale>{_SCALE})元?", _amount_before),
    (rf"(?<![\d.])({_N})({_SCALE}){_TO}({_N})({_SCALE}(?:[^\W\d_]|(?![\d-])))", _range),
    (rf"(?<![\d.])({_N})(元|美元|港元|欧元|英镑|日元)(?!年)", lambda m: money(m[1], m[2])),
    (rf"(?<![\d.])[-−]({_N})\s?(?:℃|°C)", lambda m: f"零下{number(m[1])}摄氏度"),
    (rf"({_N})\s?({'|'.join(map(re.escape, _UNITS))})(?![A-Za-z])", lambda m: number(m[1]) + _UNITS[m[2]]),
    (r"(?<![\d/])(\d{1,2})/(\d{1,3})(?![\d/])", lambda m: f"{cardinal(m[2])}分之{cardinal(m[1])}"),
    # signs
    (r"(?<=\d)\+", "以上"),
    (r"≥|>=|＞=", "大于等于"),
    (r"≤|<=|＜=", "小于等于"),
    (r"\s?(?:>|＞|→|->|－>|»|›)\s?", "，"),
    (r"(?<=元)/(?=[\u4e00-\u9fff])", "每"),
    (r"(?<=[\u4e00-\u9fffA-Za-z])/(?=[\u4e00-\u9fffA-Za-z])|(?<=[A-Za-z])/(?=\d)", "、"),
    (r"(?<=[\w])\s?&\s?(?=[\w])", "和"),
    (r"=", "等于"),
    # what is left of the numbers
    (rf"第({_N})", lambda m: f"第{cardinal(m[1])}"),
    (rf"(?<![\dA-Za-z])(\d{{8,}})(?![\d.,]|[{_MEASURES}])", lambda m: row(m[1])),
    (rf"(?<![\d.])({_N})([{_MEASURES}])", lambda m: _with_measure(m[1], m[2])),
    (r"(?<=[A-Za-z])(\d+)(?![\d.])", lambda m: plain_row(m[1])),
    (rf"(?<![\d\u4e00-\u9fffA-Za-z])[-−]({_N})", lambda m: "负" + number(m[1])),
    (rf"({_N})", lambda m: number(m[1])),
    # Latin
    (r"[A-Za-z]+(?:-[A-Za-z]+)?", lambda m: _latin(m[0])),
))  # fmt: skip


def _latin(word: str) -> str:
    known = _WORDS.get(word.lower())
    if known:
        return f" {known} " if known.isascii() else known
    return " " + " ".join(word.replace("-", "").upper()) + " "


_DROPPED = re.compile(r"[^\u4e00-\u9fffA-Za-z，。！？；：、,.!?;: “”（）()《》「」…]")
_TIDY = _compiled((
    (r"[“”\"「」《》]", ""),
    (r"[（(]\s*[）)]", ""),
    (r"[（(]", "，"),
    (r"[）)]", "，"),
    (r"…+", "。"),
    (r"(?<![十百千万亿零点一二三四五六七八九两第])二(?=[千万亿])", "两"),
    (r"\s*([，。！？；：、])\s*", r"\1"),
    (r"(?<=[\u4e00-\u9fff]) +(?=[\u4e00-\u9fff])", ""),
    (r" {2,}", " "),
    (r"[，、：；]+([。！？；])", r"\1"),
    (r"([。！？])[，、；：。]+", r"\1"),
    (r"[，、：；]{2,}", "，"),
    (r"^[，。、；：！？ ]+", ""),
))  # fmt: skip


def _tidy(text: str) -> str:
    text = text.replace(",", "，").replace("!", "！").replace("?", "？").replace(";", "；").replace(":", "：")
    text = re.sub(r"(?<=[\u4e00-\u9fff])\.|\.(?=$|\s)", "。", text)
    text = _DROPPED.sub("", text)
    for pattern, replacement in _TIDY:
        text = pattern.sub(replacement, text)
    return text.strip(" ，、")
