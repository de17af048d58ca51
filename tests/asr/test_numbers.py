import pytest

from asr.language.numbers import say_cardinal, say_decimal, say_digits, say_numbers

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "零"), (7, "七"), (10, "十"), (12, "十二"), (20, "二十"), (105, "一百零五"), (110, "一百一十"),
        (1005, "一千零五"), (1010, "一千零一十"), (10000, "一万"), (10010, "一万零一十"), (20500, "二万零五百"),
        (120000, "十二万"), (100100, "十万零一百"), (305000, "三十万五千"), (35000000, "三千五百万"),
        (100000000, "一亿"), (1000000010, "十亿零一十"),
    ],
)  # fmt: skip
def test_cardinals_have_their_places(number: int, said: str) -> None:
    assert say_cardinal(number) == said


@pytest.mark.parametrize("number", [-1, 10**16])
def test_what_has_no_cardinal_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="cannot say"):
        say_cardinal(number)


def test_digits_are_said_one_by_one() -> None:
    assert say_digits("6621") == "六六二一"
    assert say_digits("1391", one="幺") == "幺三九幺"


def test_decimals() -> None:
    assert say_decimal("3.45") == "三点四五"
    assert say_decimal("0.05") == "零点零五"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("尾号6621", "尾号六六二一"),
        ("利率3.45%", "利率百分之三点四五"),
        ("64万", "六十四万"),
        ("10,000元", "一万元"),
        ("2026年3月12日", "二零二六年三月十二日"),
        ("13800138000", "幺三八零零幺三八零零零"),
        ("9:05", "九点零五分"),
        ("14:00", "十四点"),
        ("拨打955", "拨打九五五"),
    ],
)
def test_numbers_in_text_are_said_as_what_they_are(written: str, said: str) -> None:
    assert say_numbers(written) == said
