"""No card, identity or phone number gets through; ordinary words do."""

import io
import json
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from core.logging import configure_logging, mask_event
from core.masking import mask, mask_values
from core.settings import Settings

pytestmark = pytest.mark.unit

CARD = "6222021234567890128"
IDENTITY = "11010119900307002X"
MOBILE = "13812345678"


def digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit() or character in "xX")


@st.composite
def cards(draw: st.DrawFn) -> str:
    body = draw(st.text("0123456789", min_size=12, max_size=18))
    return body + luhn.calc_check_digit(body)


@st.composite
def identities(draw: st.DrawFn) -> str:
    area = draw(st.sampled_from(["110101", "310104", "440305", "513436"]))
    born = draw(st.dates(min_value=date(1920, 1, 1), max_value=date(2025, 1, 1)))
    body = f"{area}{born:%Y%m%d}{draw(st.integers(0, 999)):03d}"
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    check = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]
    return body + draw(st.sampled_from([check, check.lower()]))


MOBILES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
AROUND = st.text(st.sampled_from("我的卡号是，。：:（ab\n丢了"), max_size=6)


@st.composite
def separated(draw: st.DrawFn, numbers: st.SearchStrategy[str]) -> tuple[str, str]:
    """A number as people write it: with a space or a hyphen here and there."""
    number = draw(numbers)
    gaps = draw(st.lists(st.sampled_from(["", "", "", " ", "-", "\u00a0"]), min_size=len(number), max_size=len(number)))
    return number, "".join(digit + gap for digit, gap in zip(number, gaps, strict=True)).rstrip(" -\u00a0")


class TestNumbers:
    @given(separated(cards()), AROUND, AROUND)
    def test_no_card_number_survives_but_its_last_four_digits(
        self, card: tuple[str, str], before: str, after: str
    ) -> None:
        masked = mask(f"{before}{card[1]}{after}")
        assert len(digits(masked)) <= 4
        assert card[0].endswith(digits(masked))

    @given(separated(identities()), AROUND, AROUND)
    def test_no_identity_number_survives(self, identity: tuple[str, str], before: str, after: str) -> None:
        assert not digits(mask(f"{before}{identity[1]}{after}"))

    @given(separated(MOBILES), AROUND, AROUND)
    def test_no_mobile_number_survives(self, mobile: tuple[str, str], before: str, after: str) -> None:
        assert not digits(mask(f"{before}{mobile[1]}{after}"))

    @given(st.lists(st.one_of(cards(), identities(), MOBILES), min_size=2, max_size=4), st.sampled_from("，、；\n和"))
    def test_none_of_several_survives(self, numbers: list[str], between: str) -> None:
        masked = mask(between.join(numbers))
        assert not any(number in masked for number in numbers)

    @given(cards(), cards())
    def test_two_cards_with_a_space_between_them_are_both_masked(self, first: str, second: str) -> None:
        masked = mask(f"{first} {second}")
        assert first not in masked
        assert second not in masked

    @given(st.text(max_size=300))
    def test_masking_twice_is_masking_once_for_any_text(self, text: str) -> None:
        assert mask(mask(text)) == mask(text)

    @pytest.mark.parametrize(
        ("text", "masked"),
        [
            (f"卡号{CARD}丢了", "卡号[卡号尾号0128]丢了"),
            ("6222 0212 3456 7890 128", "[卡号尾号0128]"),
            (f"身份证{IDENTITY}", "身份证[证件号]"),
            (f"身份证{IDENTITY.lower()}", "身份证[证件号]"),
            ("440305193401080018", "[证件号]"),  # of a district that is younger than the person
            (f"手机{MOBILE}，谢谢", "手机[手机号]，谢谢"),
            ("138-1234-5678", "[手机号]"),
            ("+8613812345678", None),
            ("座机021-1234567", "座机[电话]"),
            ("写信给zhang.san@bank.example吧", "写信给[邮箱]吧"),
            ("错的卡号6222021234567890123", "错的卡号[号码]"),
        ],
    )
    def test_examples(self, text: str, masked: str | None) -> None:
        if masked:
            assert mask(text) == masked
        assert MOBILE not in mask(text)


class TestOrdinaryWords:
    @given(st.integers(0, 10**9))
    def test_amounts_survive(self, amount: int) -> None:
        for text in (f"转账{amount}元", f"转账{amount:,}.00元", f"¥{amount}.50", f"{amount}.00元"):
            assert mask(text) == text

    @given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2099, 12, 31)))
    def test_dates_and_times_survive(self, moment: datetime) -> None:
        for form in ("%Y-%m-%d", "%Y年%m月%d日", "%Y/%m/%d %H:%M", "%Y%m%d", "%Y-%m-%d %H:%M:%S", "%H:%M:%S"):
            text = f"在{moment.strftime(form)}办的"
            assert mask(text) == text

    @pytest.mark.parametrize("text", ["客服热线95588", "110", "第3条第12款", "3.85%", "尾号0128", "1,234,567,890.12"])
    def test_short_numbers_survive(self, text: str) -> None:
        assert mask(text) == text


@dataclass(frozen=True)
class Customer:
    phone: str


class TestValues:
    @pytest.mark.parametrize(
        "value",
        [
            MOBILE, int(MOBILE), [MOBILE], (MOBILE,), {"phone": MOBILE}, {MOBILE: "phone"}, {"a": [{"b": (MOBILE,)}]},
            {MOBILE}, MOBILE.encode(), ValueError(MOBILE), Customer(MOBILE), [int(CARD)], Path(f"/tmp/{MOBILE}.wav"),
        ],
        ids=repr,
    )  # fmt: skip
    def test_nothing_hides_in_any_kind_of_value(self, value: Any) -> None:
        assert not any(number in repr(mask_values(value)) for number in (MOBILE, CARD))

    @pytest.mark.parametrize("value", [None, True, 5, 3.25, 0.1 + 0.2, 1e300, [1, "a"], {"a": 1}, ("x", None)])
    def test_what_is_harmless_keeps_its_type(self, value: Any) -> None:
        assert mask_values(value) == value
        assert type(mask_values(value)) is type(value)


class TestLogChain:
    def test_every_value_is_masked_and_our_own_marks_are_not(self) -> None:
        event = {"event": f"took {CARD}", "timestamp": "2026-03-02T12:00:00.123456", "level": "info", "text": CARD}
        masked = mask_event(None, "info", event)
        assert CARD not in json.dumps(masked, ensure_ascii=False)
        assert masked["timestamp"] == "2026-03-02T12:00:00.123456"

    @pytest.fixture
    def start(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[Literal["console", "json"]], io.StringIO]:
        """Starts logging as a process does; gives what it writes."""

        def start(log_format: Literal["console", "json"]) -> io.StringIO:
            written = io.StringIO()
            monkeypatch.setattr(sys, "stdout", written)
            configure_logging(Settings(log_format=log_format, _env_file=None), "tests")  # type: ignore[call-arg]
            return written

        return start

    @pytest.mark.parametrize("log_format", ["console", "json"])
    def test_no_line_of_ours_or_of_a_library_shows_a_number(self, start: Any, log_format: str) -> None:
        written, log = start(log_format), structlog.get_logger()
        log.info("turn", text=f"我的卡{CARD}", nested={"a": [MOBILE]}, number=int(CARD), error=ValueError(IDENTITY))
        logging.getLogger("some.library").warning("failed for %s", MOBILE)
        try:
            raise ValueError(f"bad card {CARD}")
        except ValueError:
            log.exception("unexpected")
            logging.getLogger("uvicorn.error").exception("in the app")
        for told in ("turn", "failed for", "unexpected", "in the app"):
            assert told in written.getvalue()
        for number in (CARD, MOBILE, IDENTITY):
            assert number not in written.getvalue()

    def test_json_lines_are_one_object_each_with_the_process(self, start: Any) -> None:
        written = start("json")
        structlog.get_logger().info("presence", state="ready")
        logging.getLogger("some.library").warning("hello")
        ours, theirs = (json.loads(line) for line in written.getvalue().splitlines())
        assert (ours["event"], ours["state"], ours["process"]) == ("presence", "ready", "tests")
        assert (theirs["event"], theirs["level"]) == ("hello", "warning")

    def test_access_lines_and_client_libraries_are_quiet(self, start: Any) -> None:
        written = start("console")
        for name in ("uvicorn.access", "httpx", "httpcore", "websockets"):
            logging.getLogger(name).info("127.0.0.1 GET /")
        structlog.get_logger().debug("not at this level")
        assert written.getvalue() == ""
