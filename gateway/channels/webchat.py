"""The chat page's channel: one WebSocket a tab. It translates frames; `gateway.turn` takes the turns."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, Field, StringConstraints, TypeAdapter, ValidationError

from conversations.schemas import MAX_SEQ, Rating
from core.limits import RateLimit
from core.problems import Problem
from core.sockets import Connection
from gateway.service import Gateway, TooManySessions
from gateway.turn import Incoming

log = structlog.get_logger()
router = APIRouter()

HELLO_SECONDS = 10.0
MAX_FRAME_BYTES = 64 * 1024  # a text of 10,000 characters still gets the error that fits it
FRAMES_PER_10_SECONDS = 60
PENDING_FRAMES = 20  # frames of one socket that wait for an answer
UNSUPPORTED_DATA, POLICY_VIOLATION, TOO_BIG = 1003, 1008, 1009  # RFC 6455 7.4.1
TOO_MANY_BAD_FRAMES = 20

ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
TurnId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
Token = Annotated[str, StringConstraints(max_length=128)]
Key = Annotated[str, StringConstraints(max_length=64)]


class Hello(BaseModel):
    type: Literal["hello"]
    token: Token | None = None
    channel: Literal["web", "app"] = "web"
    last_seq: int = Field(default=0, ge=0, le=MAX_SEQ)
    elder: bool | None = None


class SendMessage(BaseModel):
    type: Literal["message"]
    id: ClientId
    text: str


class Pick(BaseModel):
    type: Literal["pick"]
    id: ClientId
    key: Key
    turn: TurnId | None = None


class Rate(BaseModel):
    type: Literal["rate"]
    turn: TurnId
    rating: Rating


class AskHuman(BaseModel):
    type: Literal["human"]
    id: ClientId | None = None


class LeaveQueue(BaseModel):
    type: Literal["leave_queue"]
    id: ClientId | None = None


class SetElder(BaseModel):
    type: Literal["elder"]
    on: bool


class Read(BaseModel):
    type: Literal["read"]
    seq: int = Field(ge=0)


class Typing(BaseModel):
    type: Literal["typing"]


class Close(BaseModel):
    type: Literal["close"]


class Ping(BaseModel):
    type: Literal["ping"]


Frame = Annotated[
    SendMessage | Pick | Rate | AskHuman | LeaveQueue | SetElder | Read | Typing | Close | Ping,
    Field(discriminator="type"),
]
_FRAMES: TypeAdapter[Any] = TypeAdapter(Frame)
_CLIENT_ID: TypeAdapter[str] = TypeAdapter(ClientId)


class BadFrame(Problem):
    code = "bad_frame"
    status = 400
    title = "消息格式不正确"


class TooFast(Problem):
    code = "too_fast"
    status = 429
    title = "发送太快了，请稍候"
    retry = True


@router.websocket("/ws/chat")
async def chat(socket: WebSocket) -> None:
    gateway: Gateway = socket.app.state.gateway
    if not _origin_allowed(socket, gateway.settings.allowed_origins):
        await socket.close(POLICY_VIOLATION)
        return
    await socket.accept()
    try:
        hello = Hello.model_validate(await asyncio.wait_for(_receive(socket), HELLO_SECONDS))
    except (BadFrame, ValidationError, TimeoutError):
        await _refuse(socket, BadFrame("the first frame must be hello"))
        return
    except WebSocketDisconnect:
        return
    address = socket.client.host if socket.client else ""
    try:
        view, token = await gateway.enter(hello.token, hello.channel, hello.elder, address)
    except TooManySessions as problem:
        await _refuse(socket, problem)
        return
    connection = Connection(socket)
    async with gateway.connections.open(view.id, connection):
        connection.send(await gateway.welcome(view.id, token, hello.last_seq))
        await _Session(gateway, view.id, connection).run()


def _origin_allowed(socket: WebSocket, allowed: list[str]) -> bool:
    """Pages of other sites may not use a customer's browser to talk here.

    Programs send no Origin and hold no cookies.
    """
    origin = socket.headers.get("origin")
    return origin is None or origin in allowed or urlsplit(origin).netloc == socket.headers.get("host")


async def _receive(socket: WebSocket) -> Any:
    """One JSON frame. Raises BadFrame for anything else and WebSocketDisconnect at the end."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000))
    text = message.get("text")
    if text is None:
        raise BadFrame("text frames only")
    if len(text.encode()) > MAX_FRAME_BYTES:
        raise BadFrame(f"at most {MAX_FRAME_BYTES} bytes a frame")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadFrame("not JSON") from None


def _id_of(raw: Any) -> str | None:
    """The client's id of a frame, to name it in an error. One that is no id is not sent back."""
    try:
        return _CLIENT_ID.validate_python(raw.get("id")) if isinstance(raw, dict) else None
    except ValidationError:
        return None


async def _refuse(socket: WebSocket, problem: Problem) -> None:
    try:
        await socket.send_json(_error_frame(problem, None))
        await socket.close(POLICY_VIOLATION)
    except RuntimeError:
        pass  # the client has gone already


def _error_frame(problem: Problem, frame_id: str | None) -> dict[str, Any]:
    return {"type": "error", "code": problem.code, "detail": problem.detail or problem.title, "id": frame_id}


class _Session:
    """One tab of one customer."""

    def __init__(self, gateway: Gateway, conversation: str, connection: Connection) -> None:
        self.gateway = gateway
        self.conversation = conversation
        self.connection = connection
        self._rate = RateLimit(FRAMES_PER_10_SECONDS, 10.0)
        self._pending: set[asyncio.Task[None]] = set()
        self._bad_frames = 0
        self._answers: dict[type[BaseModel], Callable[[Any], Coroutine[Any, Any, None]]] = {
            SendMessage: self._message,
            Pick: self._pick,
            Rate: self._rated,
            AskHuman: self._human,
            LeaveQueue: self._leave,
            SetElder: self._elder,
            Read: self._read,
            Typing: self._typing,
            Close: self._close,
            Ping: self._ping,
        }

    async def run(self) -> None:
        try:
            while self._bad_frames < TOO_MANY_BAD_FRAMES:
                await self._take_one()
        except WebSocketDisconnect:
            pass  # the customer left; the conversation stays and can be entered again
        finally:
            if self._pending:
                await asyncio.gather(*self._pending, return_exceptions=True)

    async def _take_one(self) -> None:
        frame_id = None
        try:
            raw = await _receive(self.connection.socket)
            frame_id = _id_of(raw)
            if not self._rate.allows("frames") or len(self._pending) >= PENDING_FRAMES:
                raise TooFast
            frame = _FRAMES.validate_python(raw)
        except ValidationError as error:
            self._bad_frames += 1
            self._error(BadFrame(error.errors()[0]["msg"]), frame_id)
        except Problem as problem:
            self._bad_frames += 1
            self._error(problem, frame_id)
        else:
            task = asyncio.create_task(self._answer(frame))
            self._pending.add(task)
            task.add_done_callback(self._pending.discard)

    async def _answer(self, frame: Any) -> None:
        try:
            await self._answers[type(frame)](frame)
        except Problem as problem:
            self._error(problem, getattr(frame, "id", None))
        except Exception:
            log.exception("frame failed", frame=frame.type, conversation=self.conversation)
            self._error(Problem(), getattr(frame, "id", None))

    def _error(self, problem: Problem, frame_id: str | None) -> None:
        self.connection.send(_error_frame(problem, frame_id))

    async def _message(self, frame: SendMessage) -> None:
        await self._take_turn(Incoming(self.conversation, frame.id, frame.text))

    async def _pick(self, frame: Pick) -> None:
        question = await self.gateway.question_of(frame.key)
        await self._take_turn(Incoming(self.conversation, frame.id, question, pick=frame.key, picked_from=frame.turn))

    async def _take_turn(self, incoming: Incoming) -> None:
        result = await self.gateway.turns.handle_turn(incoming)
        # The first sending was acknowledged when it was stored; this answers one that came again.
        self.connection.send({"type": "ack", "id": incoming.client_id, "seq": result.seq})

    async def _rated(self, frame: Rate) -> None:
        await self.gateway.rate(self.conversation, frame.turn, frame.rating)

    async def _human(self, _frame: AskHuman) -> None:
        await self.gateway.handoff.request(self.conversation, "asked", "customer")

    async def _leave(self, _frame: LeaveQueue) -> None:
        await self.gateway.handoff.leave(self.conversation)

    async def _elder(self, frame: SetElder) -> None:
        await self.gateway.conversations.set_elder(self.conversation, frame.on)

    async def _read(self, frame: Read) -> None:
        await self.gateway.conversations.mark_read(self.conversation, "customer", frame.seq)

    async def _typing(self, _frame: Typing) -> None:
        await self.gateway.conversations.types(self.conversation, "customer")

    async def _close(self, _frame: Close) -> None:
        await self.gateway.close(self.conversation, "customer")

    async def _ping(self, _frame: Ping) -> None:
        self.connection.send({"type": "pong"})
