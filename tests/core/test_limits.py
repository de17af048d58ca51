"""How often something may be done."""

import pytest

from core import limits
from core.limits import RateLimit

pytestmark = pytest.mark.unit


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def test_so_many_are_allowed_and_no_more(seconds: Seconds) -> None:
    limit = RateLimit(3, 10.0, seconds)
    assert [limit.allows("a") for _ in range(5)] == [True, True, True, False, False]


def test_the_window_slides(seconds: Seconds) -> None:
    limit = RateLimit(2, 10.0, seconds)
    assert limit.allows("a")
    seconds.now = 6
    assert limit.allows("a")
    seconds.now = 9.9
    assert not limit.allows("a")
    seconds.now = 10
    assert limit.allows("a")
    assert not limit.allows("a")


def test_keys_do_not_share(seconds: Seconds) -> None:
    limit = RateLimit(1, 10.0, seconds)
    assert limit.allows("a")
    assert limit.allows("b")


def test_it_says_how_long_to_wait_and_waiting_counts_nothing(seconds: Seconds) -> None:
    limit = RateLimit(1, 10.0, seconds)
    assert limit.wait("a") == 0
    limit.count("a")
    seconds.now = 4
    assert limit.wait("a") == limit.wait("a") == 6


def test_a_refused_one_does_not_prolong_the_wait(seconds: Seconds) -> None:
    limit = RateLimit(1, 10.0, seconds)
    limit.count("a")
    seconds.now = 9
    assert not limit.allows("a")
    seconds.now = 10
    assert limit.allows("a")


def test_a_forgotten_key_begins_anew(seconds: Seconds) -> None:
    limit = RateLimit(1, 10.0, seconds)
    limit.count("a")
    limit.forget("a")
    limit.forget("never seen")
    assert limit.allows("a")


def test_stale_keys_are_dropped_when_there_are_many(seconds: Seconds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SWEEP_ABOVE", 5)
    limit = RateLimit(1, 10.0, seconds)
    for number in range(6):
        limit.count(f"old {number}")
    seconds.now = 20
    limit.count("new")
    assert list(limit._marks) == ["new"]
