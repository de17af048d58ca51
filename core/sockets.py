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
        self._outbox: asyncio.Queue[Frame] = asyncio.Queue(OUTBOX_FRAMES)
        self._overflowed = asyncio.Event()

    def send(self, frame: Frame) -> None:
        try:
            self._outbox.put_nowait(frame)
        except asyncio.QueueFull:
            self._overflowed.set()

    async def pump(self) -> None:
        """Write the outbox to the socket until it closes or its reader falls behind."""
        overflow = asyncio.create_task(self._overflowed.wait())
        try:
            while not self._overflowed.is_set():
                taking = asyncio.create_task(self._outbox.get())
                await asyncio.wait({taking, overflow}, return_when=asyncio.FIRST_COMPLETED)
                if not taking.done():
                    taking.cancel()
                    break
                await asyncio.wait_for(self.socket.send_json(taking.result()), SEND_SECONDS)
            log.warning("a client stopped reading and was cut off")
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            pass  # gone or not reading: either way the socket is closed below
        finally:
            overflow.cancel()
            with suppress(RuntimeError, TimeoutError):
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
        """The connection takes part in `topic` and its outbox is written while the block runs."""
        self._topics[topic].add(connection)
        pump = asyncio.create_task(connection.pump())
        try:
            yield connection
        finally:
            self._topics[topic].discard(connection)
            if not self._topics[topic]:
                del self._topics[topic]
            pump.cancel()
            with suppress(asyncio.CancelledError):
                await pump
