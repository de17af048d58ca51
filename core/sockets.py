"""WebSocket connections by topic, each with a bounded outbox: who stops reading is cut off and harms nobody else."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog
from fastapi import WebSocket, WebSocketDisconnect

log = structlog.get_logger()

OUTBOX_FRAMES = 256
SEND_SECONDS = 10.0
TRY_AGAIN_LATER = 1013  # RFC 6455 / IANA close code

Frame = dict[str, Any]


class Connection:
    """One socket; `send` never waits."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self._outbox: asyncio.Queue[Frame | None] = asyncio.Queue(OUTBOX_FRAMES)
        self._overflowed = False

    def send(self, frame: Frame) -> None:
        self._put(frame)

    def end(self) -> None:
        """Close the socket once everything before this is written."""
        self._put(None)

    def _put(self, frame: Frame | None) -> None:
        try:
            self._outbox.put_nowait(frame)
        except asyncio.QueueFull:
            self._overflowed = True

    async def pump(self) -> None:
        """Write the outbox to the socket until it ends or closes, or its reader falls behind."""
        try:
            while not self._overflowed and (frame := await self._outbox.get()) is not None:
                await asyncio.wait_for(self.socket.send_json(frame), SEND_SECONDS)
        except TimeoutError:
            self._overflowed = True
        except (WebSocketDisconnect, RuntimeError):
            pass  # gone: the socket is closed already
        finally:
            if self._overflowed:
                log.warning("a client stopped reading and was cut off")
            with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
                await asyncio.wait_for(self.socket.close(TRY_AGAIN_LATER), SEND_SECONDS)


class Connections:
    """All open sockets, by topic (a conversation, an agent)."""

    def __init__(self) -> None:
        self._topics: dict[str, set[Connection]] = defaultdict(set)

    def __len__(self) -> int:
        return sum(len(connections) for connections in self._topics.values())

    def topics(self) -> list[str]:
        return list(self._topics)

    def send(self, topic: str, frame: Frame, but: Connection | None = None) -> None:
        for connection in list(self._topics.get(topic, ())):
            if connection is not but:
                connection.send(frame)

    def send_to_all(self, topics: Iterable[str], frame: Frame) -> None:
        for topic in topics:
            self.send(topic, frame)

    @asynccontextmanager
    async def open(self, topic: str, connection: Connection) -> AsyncIterator[Connection]:
        """The connection takes part in `topic` and its outbox is written while the block runs.

        The block ends early when its client is cut off, and what it sent last still goes out.
        """
        self._topics[topic].add(connection)
        pump = asyncio.create_task(connection.pump())
        try:
            async with _while_running(pump):
                yield connection
        finally:
            self._topics[topic].discard(connection)
            if not self._topics[topic]:
                del self._topics[topic]
            connection.end()
            with suppress(TimeoutError):
                await asyncio.wait_for(pump, SEND_SECONDS)


@asynccontextmanager
async def _while_running(task: asyncio.Task[None]) -> AsyncIterator[None]:
    """Leave the block, without an error, as soon as `task` is done."""

    def leave(_done: object) -> None:
        block.reschedule(0)

    try:
        async with asyncio.timeout(None) as block:
            task.add_done_callback(leave)
            try:
                yield
            finally:
                task.remove_done_callback(leave)
    except TimeoutError:
        if not block.expired():
            raise
