"""The app on a real server and a real port, and the two kinds of people who open sockets to it."""

import asyncio
import json
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
import websockets
from websockets.asyncio.client import ClientConnection

from app.main import Teller, create_app
from gateway.channels.webchat import MAX_FRAME_BYTES

PLAIN: dict[str, Any] = {"proxy": None, "max_queue": None}  # a page takes every frame as it comes
PATIENCE = 30.0  # only how long a broken product may hang a test

Frame = dict[str, Any]


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up, self.down = asyncio.Event(), asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    async def main_loop(self) -> None:
        await self.down.wait()  # instead of looking ten times a second

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals belong to the test run


@asynccontextmanager
async def serve(teller: Teller) -> AsyncIterator[str]:
    """Serve the app as in production while the block runs; gives "127.0.0.1:port"."""
    config = uvicorn.Config(
        create_app(teller), host="127.0.0.1", port=0, log_config=None, ws_max_size=MAX_FRAME_BYTES,
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = _Server(config)
    serving = asyncio.create_task(server.serve())
    up = asyncio.create_task(server.up.wait())
    await asyncio.wait({serving, up}, return_when=asyncio.FIRST_COMPLETED)
    up.cancel()
    try:
        host, port = server.servers[0].sockets[0].getsockname()[:2]
        yield f"{host}:{port}"
    finally:
        server.down.set()
        await serving


async def until(condition: Callable[[], bool]) -> None:
    """Let the server work until something holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 (what is waited for tells nobody)
            await asyncio.sleep(0)


class Tab:
    """One open WebSocket; keeps every frame that came."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[Frame] = []

    async def send(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def receive(self) -> Frame:
        frame: Frame = json.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE))
        self.frames.append(frame)
        return frame

    async def until(self, kind: str, **content: Any) -> Frame:
        """The next frame of a kind and with this content; what comes before it is kept in `frames`."""
        while True:
            frame = await self.receive()
            if frame["type"] == kind and content.items() <= frame.items():
                return frame

    async def message(self, sender: str) -> dict[str, Any]:
        """The next message of `sender`."""
        while True:
            message: dict[str, Any] = (await self.until("message"))["message"]
            if message["sender"] == sender:
                return message

    async def settled(self) -> list[Frame]:
        """Everything that came up to now: what the server sent before it answered a ping."""
        await self.send(type="ping")
        await self.until("pong")
        return self.frames

    async def closed(self) -> int:
        """Read to the end; gives the close code."""
        try:
            while True:
                await self.receive()
        except websockets.ConnectionClosed as end:
            return end.rcvd.code if end.rcvd else 1006

    def seqs(self) -> list[int]:
        """Of every message that was shown, in the order of coming."""
        shown = []
        for frame in self.frames:
            shown += [message["seq"] for message in frame.get("messages", [])] if frame["type"] == "welcome" else []
            shown += [frame["message"]["seq"]] if frame["type"] == "message" else []
        return shown


class Customer(Tab):
    """A tab of the chat page."""

    welcome: Frame

    @property
    def session(self) -> str:
        session: str = self.welcome["session"]
        return session

    @property
    def token(self) -> str:
        token: str = self.welcome["token"]
        return token

    async def say(self, text: str) -> str:
        """Send a message; gives its id."""
        message_id = str(uuid.uuid4())
        await self.send(type="message", id=message_id, text=text)
        return message_id

    async def ask(self, text: str) -> dict[str, Any]:
        """Send a message and wait for the bot's first answer to it."""
        await self.say(text)
        return await self.message("bot")

    async def queue_up(self) -> None:
        await self.send(type="human", id=str(uuid.uuid4()))
        await self.until("queue")


@asynccontextmanager
async def visit(
    address: str, token: str | None = None, last_seq: int = 0, elder: bool | None = None
) -> AsyncIterator[Customer]:
    """A customer's tab that has been welcomed."""
    async with websockets.connect(f"ws://{address}/ws/chat", **PLAIN) as socket:
        customer = Customer(socket)
        await customer.send(type="hello", token=token, channel="web", last_seq=last_seq, elder=elder)
        customer.welcome = await customer.receive()
        yield customer


@asynccontextmanager
async def desk_page(address: str, cookie: str) -> AsyncIterator[Tab]:
    """An agent's page that has been told the queue and his own conversations."""
    headers = {"Cookie": f"teller_session={cookie}"}
    async with websockets.connect(f"ws://{address}/ws/desk", additional_headers=headers, **PLAIN) as socket:
        page = Tab(socket)
        await page.until("mine")
        yield page
