"""Outboxes: whoever stops reading is cut off, the others are not harmed."""

import asyncio
from typing import Any

import pytest
from fastapi import WebSocketDisconnect

from core import sockets
from core.sockets import OUTBOX_FRAMES, TRY_AGAIN_LATER, Connection, Connections

pytestmark = pytest.mark.unit


class FakeSocket:
    """Takes frames while it is `reading`."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.reading = asyncio.Event()
        self.reading.set()
        self.closed: int | None = None
        self.is_gone = False

    async def send_json(self, frame: Any) -> None:
        await self.reading.wait()
        if self.is_gone:
            raise WebSocketDisconnect(1006)
        self.sent.append(frame)

    async def close(self, code: int) -> None:
        if self.is_gone:
            raise WebSocketDisconnect(1006)
        self.closed = code


def connection(socket: FakeSocket) -> Connection:
    return Connection(socket)  # type: ignore[arg-type]


def number(value: int) -> dict[str, Any]:
    return {"type": "number", "value": value}


async def test_frames_go_out_in_order_to_everyone_of_the_topic() -> None:
    connections, first, second, other = Connections(), FakeSocket(), FakeSocket(), FakeSocket()
    async with (
        connections.open("a", connection(first)),
        connections.open("a", connection(second)),
        connections.open("b", connection(other)),
    ):
        for value in range(3):
            connections.send("a", number(value))
    assert first.sent == second.sent == [number(0), number(1), number(2)]
    assert other.sent == []


async def test_one_can_be_left_out() -> None:
    connections, first, second = Connections(), FakeSocket(), FakeSocket()
    async with connections.open("a", connection(first)) as sender, connections.open("a", connection(second)):
        connections.send("a", number(1), but=sender)
    assert (first.sent, second.sent) == ([], [number(1)])


async def test_a_topic_without_sockets_is_no_error_and_not_kept() -> None:
    connections = Connections()
    connections.send("nobody", number(1))
    assert (connections.topics(), len(connections)) == ([], 0)


async def test_topics_are_known_while_someone_is_there() -> None:
    connections = Connections()
    async with connections.open("a", connection(FakeSocket())), connections.open("b", connection(FakeSocket())):
        assert sorted(connections.topics()) == ["a", "b"]
        assert len(connections) == 2
        connections.send_to_all(connections.topics(), number(1))
    assert len(connections) == 0


async def test_what_was_sent_last_still_goes_out_and_the_socket_is_closed() -> None:
    connections, socket = Connections(), FakeSocket()
    async with connections.open("a", connection(socket)) as one:
        one.send(number(1))
    assert socket.sent == [number(1)]
    assert socket.closed == TRY_AGAIN_LATER


async def test_a_reader_that_falls_behind_is_cut_off_and_its_block_ends() -> None:
    connections, slow, quick = Connections(), FakeSocket(), FakeSocket()
    slow.reading.clear()
    async with connections.open("b", connection(quick)):
        async with connections.open("a", connection(slow)) as one:
            for value in range(OUTBOX_FRAMES + 2):
                one.send(number(value))
            slow.reading.set()
            connections.send("b", number(1))
            await asyncio.Event().wait()  # as if it waited for the client's next frame
        assert connections.topics() == ["b"]
    assert slow.closed == TRY_AGAIN_LATER
    assert quick.sent == [number(1)]


async def test_a_reader_that_does_not_take_one_frame_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "SEND_SECONDS", 0.01)
    connections, deaf = Connections(), FakeSocket()
    deaf.reading.clear()
    async with connections.open("a", connection(deaf)) as one:
        one.send(number(1))
        await asyncio.Event().wait()
    assert deaf.closed == TRY_AGAIN_LATER


async def test_a_client_that_is_gone_ends_its_block_without_an_error() -> None:
    connections, gone = Connections(), FakeSocket()
    gone.is_gone = True
    async with connections.open("a", connection(gone)) as one:
        one.send(number(1))
        await asyncio.Event().wait()
    assert connections.topics() == []


async def test_an_error_inside_the_block_comes_out() -> None:
    connections, socket = Connections(), FakeSocket()
    with pytest.raises(TimeoutError, match="of the block"):
        async with connections.open("a", connection(socket)):
            raise TimeoutError("of the block")
    assert socket.closed == TRY_AGAIN_LATER


async def test_a_cancelled_block_leaves_nothing_behind() -> None:
    connections, socket = Connections(), FakeSocket()

    inside = asyncio.Event()

    async def stay() -> None:
        async with connections.open("a", connection(socket)):
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(stay())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert connections.topics() == []
    assert asyncio.all_tasks() == {asyncio.current_task()}
