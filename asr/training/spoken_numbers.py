"""Numbers as customers say them: amounts, dates, times, terms, rates, ends of cards, telephone numbers."""

import random

from asr.language.numbers import DIGITS, say_cardinal, say_decimal, say_digits

MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def amount(rng: random.Random) -> str:
    """An amount without its unit: round ones most of all, now and then to the cent."""
    kind = rng.random()
    if kind < 0.35:
        return _with_liang(say_cardinal(rng.randint(1, 9) * 10 ** rng.randint(1, 6)), rng)
    if kind < 0.6:
        return _colloquial(rng)
    if kind < 0.75:
        return _with_liang(say_cardinal(rng.randint(1, 99) * rng.choice([1, 10, 50, 100, 500, 1000, 10000])), rng)
    if kind < 0.9:
        return _with_liang(say_cardinal(rng.randint(1, rng.choice([100, 1000, 10000, 100000, 1000000]))), rng)
    return f"{say_cardinal(rng.randint(1, 9999))}点{say_digits(f'{rng.randint(1, 99):02d}').rstrip('零')}"


def _colloquial(rng: random.Random) -> str:
    """三千五, 一万二, 两百八, 五千来, 十几万, 三四万."""
    first, second = rng.choice("一两三四五六七八九"), rng.choice("一二三四五六七八九")
    unit = rng.choice(["百", "千", "万"])
    forms = [
        first + unit + second,
        first + unit,
        first + rng.choice(["千", "万"]) + rng.choice(["多", "来", ""]),
        f"{rng.choice(DIGITS[1:])}十{rng.choice(['', second])}万",
        rng.choice(["一两", "两三", "三四", "四五", "五六", "七八"]) + unit,
        f"{first}万{second}千",
        f"{first}千{second}百",
        f"{first}百{second}十",
    ]
    return rng.choice(forms)


def _with_liang(said: str, rng: random.Random) -> str:
    """二千 is as often 两千, and 二万 nearly always 两万."""
    if rng.random() < 0.8:
        for unit in "千万亿":
            said = said.replace(f"二{unit}", f"两{unit}").replace(f"十两{unit}", f"十二{unit}")
        if said.startswith("二百"):
            said = rng.choice(["两百", "二百"]) + said[2:]
    return said


def term(rng: random.Random) -> str:
    return rng.choice([
        f"{say_cardinal(rng.randint(1, 30))}年", f"{say_cardinal(rng.randint(1, 36))}个月",
        f"{say_cardinal(rng.randint(1, 60))}天",
        f"{rng.choice('两三五')}年", f"{rng.choice('三六九')}个月", "半年", "一年半", "一年", "两个月", "两周",
    ])  # fmt: skip


def instalments(rng: random.Random) -> str:
    return say_cardinal(rng.choice([3, 6, 9, 12, 18, 24, 36, 48, 60, rng.randint(2, 60)]))


def rate(rng: random.Random) -> str:
    return "百分之" + say_decimal(
        f"{rng.randint(0, 24)}.{rng.choice([str(rng.randint(1, 9)), f'{rng.randint(1, 99):02d}'])}"
    )


def date(rng: random.Random) -> str:
    """二零二五年三月十二号, 三月十二日, 十二号, 三月份."""
    month = rng.randint(1, 12)
    day = rng.randint(1, MONTH_DAYS[month - 1])
    year = say_digits(str(rng.randint(1940, 2035)))
    said_month, said_day = f"{say_cardinal(month)}月", f"{say_cardinal(day)}{rng.choice('号号日')}"
    return rng.choice([
        year + "年" + said_month + said_day, said_month + said_day, said_month + said_day, said_day, said_day,
        said_month + rng.choice(["份", "初", "底", ""]), year + "年",
    ])  # fmt: skip


def time(rng: random.Random) -> str:
    """上午九点, 下午两点半, 十点一刻, 八点零五分."""
    hour = rng.randint(0, 23)
    said = "两点" if hour == 2 else f"{say_cardinal(hour)}点"
    part = rng.choice(["上午", "下午", "晚上", "早上", "中午", "", ""])
    minutes = rng.randint(1, 59)
    odd = ("零" if minutes < 10 else "") + say_cardinal(minutes)
    return part + said + rng.choice(["", "", "半", "一刻", "三刻", "左右", "钟", f"{odd}分", odd, "整"])


def tail(rng: random.Random) -> str:
    """The last four digits of a card."""
    return say_digits(f"{rng.randint(0, 9999):04d}", one=rng.choice(["一", "幺"]))


def phone(rng: random.Random) -> str:
    """A mobile number of eleven digits, said digit by digit."""
    return say_digits(f"1{rng.randint(3, 9)}{rng.randint(0, 10**9 - 1):09d}", one=rng.choice("一幺幺"))


def identity(rng: random.Random) -> str:
    """An identity number of eighteen characters; its digits are random and its check digit is not right."""
    digits = f"{rng.randint(110000, 659999)}{rng.randint(1940, 2015)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
    return say_digits(digits + f"{rng.randint(0, 999):03d}", one=rng.choice("一幺幺")) + str(rng.choice([*DIGITS, "X"]))


def card(rng: random.Random) -> str:
    digits = "62" + "".join(str(rng.randint(0, 9)) for _ in range(rng.choice([14, 17])))
    return say_digits(digits, one=rng.choice("一幺幺"))


def row(rng: random.Random) -> str:
    """A row of six to twelve digits."""
    return say_digits("".join(str(rng.randint(0, 9)) for _ in range(rng.randint(6, 12))), one=rng.choice("一幺"))


def six(rng: random.Random) -> str:
    return say_digits(f"{rng.randint(0, 999999):06d}", one=rng.choice("一幺"))


def age(rng: random.Random) -> str:
    return say_cardinal(rng.randint(5, 95))


def road_number(rng: random.Random) -> str:
    return say_cardinal(rng.randint(1, 999))


SPOKEN_NUMBERS = {
    "AMOUNT": amount, "TERM": term, "INSTALLMENTS": instalments, "RATE": rate, "DATE": date, "TIME": time, "TAIL": tail,
    "PHONE": phone, "IDENTITY": identity, "CARD": card, "ROW": row, "SIX": six, "AGE": age, "ROAD_NUMBER": road_number,
}  # fmt: skip
