"""Facts go to everyone who listens."""

from dataclasses import dataclass

import pytest

from core.bus import Bus

pytestmark = pytest.mark.unit


@dataclass(frozen=True)
class Happened:
    what: str


@dataclass(frozen=True)
class Other:
    what: str


async def test_events_reach_the_listeners_of_their_kind_in_order() -> None:
    bus, heard = Bus(), []

    async def listener(event: Happened) -> None:
        heard.append(event.what)

    bus.subscribe(Happened, listener)
    await bus.publish(Happened("1"), Other("x"), Happened("2"))
    assert heard == ["1", "2"]


async def test_a_failing_listener_stops_nobody() -> None:
    bus, heard = Bus(), []

    async def broken(event: Happened) -> None:
        raise ZeroDivisionError

    async def listener(event: Happened) -> None:
        heard.append(event.what)

    bus.subscribe(Happened, broken)
    bus.subscribe(Happened, listener)
    await bus.publish(Happened("1"), Happened("2"))
    assert heard == ["1", "2"]


async def test_an_event_that_nobody_listens_to_is_no_error() -> None:
    await Bus().publish(Other("x"))
