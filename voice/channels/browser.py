"""Calls and dictation from the chat page: `WS /ws/voice`. Every frame is described in docs/voice-protocol.md.

Binary frames are sound: 16-bit little-endian mono PCM of 16 kHz, both ways. Text frames are JSON.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, Field, StringConstraints, TypeAdapter, ValidationError

from asr.engine import Transcript
from conversations.ownership import Owner
from conversations.schemas import ConversationView
from core.limits import RateLimit
from core.problems import NotFound, Problem
from core.sockets import TRY_AGAIN_LATER
from voice import events
from voice.line import AudioFrame, Digit, EndReason, HungUp, LineEvent, PersonWanted
from voice.problems import TooManyCalls
from voice.recognition import together
from voice.service import Voice
from voice.synthesis.synthesiser import Rate

log = structlog.get_logger()
router = APIRouter()

RATE: Rate = 16000
BYTES_A_SECOND = RATE * 2
HELLO_SECONDS = 10.0
SEND_SECONDS = 10.0
POLICY_VIOLATION, INTERNAL_ERROR = 1008, 1011  # RFC 6455 7.4.1
MAX_FRAME_BYTES = BYTES_A_SECOND // 2  # half a second of sound; text frames are smaller still
MAX_TEXT_BYTES = 4096
FASTER_THAN_LIFE = 2.0  # sound may come so many times faster than it was spoken, after a pause of the network
BURST_SECONDS = 5.0
FRAMES_A_SECOND = 20  # of text
IDLE_SECONDS = 30.0  # without any frame: the page sends sound or pings all the time
DICTATION_SECONDS = 60.0  # one press
SILENT_STEP = 0.1  # where the page sends nothing (muted, a hidden tab) the line itself gives silence
SILENCE = bytes(int(BYTES_A_SECOND * SILENT_STEP))
OUTBOX = 512
REPORT_SECONDS = 2.0  # a page that has not said for so long how far it has played is believed to play on

Token = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class Hello(BaseModel):
    type: Literal["hello"]
    mode: Literal["call", "dictate"]
    token: Token | None = None  # of the chat page's conversation; dictation needs none


class Played(BaseModel):
    type: Literal["played"]
    seconds: float = Field(ge=0, le=1e6, allow_inf_nan=False)


class Mute(BaseModel):
    type: Literal["mute"]
    on: bool


class Key(BaseModel):
    type: Literal["digit"]
    digit: Annotated[str, StringConstraints(pattern=r"^[0-9*#]$")]


class Person(BaseModel):
    type: Literal["person"]


class HangUp(BaseModel):
    type: Literal["hangup"]


class Begin(BaseModel):
    type: Literal["begin"]


class End(BaseModel):
    type: Literal["end"]


class Cancel(BaseModel):
    type: Literal["cancel"]


class Ping(BaseModel):
    type: Literal["ping"]


_FRAMES: TypeAdapter[Any] = TypeAdapter(Annotated[
    Played | Mute | Key | Person | HangUp | Begin | End | Cancel | Ping, Field(discriminator="type")
])  # fmt: skip


class BadFrame(Problem):
    code = "bad_frame"
    status = 400
    title = "消息格式不正确"


class TooFast(Problem):
    code = "too_fast"
    status = 429
    title = "发送太快了，请稍候"
    retry = True


class Idle(Problem):
    code = "idle"
    status = 408
    title = "长时间没有声音，连接已断开"
    retry = True


@router.websocket("/ws/voice")
async def talk(socket: WebSocket) -> None:
    voice: Voice = socket.app.state.voice
    if not _origin_allowed(socket, voice.settings.allowed_origins):
        await socket.close(POLICY_VIOLATION)
        return
    await socket.accept()
    page = Page(socket)
    pump = asyncio.create_task(page.pump())
    try:
        await _serve(voice, page)
    except WebSocketDisconnect:
        pass
    except Problem as problem:
        page.fail(problem)
    except Exception:
        log.exception("a call failed")
        page.fail(Problem())
    finally:
        page.close()
        await pump


def _origin_allowed(socket: WebSocket, allowed: list[str]) -> bool:
    """As on the chat page: pages of other sites may not use a customer's browser to talk here."""
    origin = socket.headers.get("origin")
    return origin is None or origin in allowed or urlsplit(origin).netloc == socket.headers.get("host")


async def _serve(voice: Voice, page: "Page") -> None:
    try:
        first = await asyncio.wait_for(page.receive(), HELLO_SECONDS)
        if isinstance(first, bytes):
            raise BadFrame("the first frame must be hello")
        hello = Hello.model_validate(first)
    except (ValidationError, TimeoutError):
        raise BadFrame("the first frame must be hello") from None
    await _must_hear(voice)
    if hello.mode == "dictate":
        page.send({"type": "ready", "mode": "dictate", "rate": RATE, "max_seconds": DICTATION_SECONDS})
        await Dictation(voice, page).run()
    else:
        await _call(voice, page, await _conversation(voice, hello.token))


async def _must_hear(voice: Voice) -> None:
    """Raises NoRecogniser at once, rather than in the middle of the first sentence."""
    session = voice.session(RATE)
    try:
        await session.accept(SILENCE)
    finally:
        session.close()


async def _conversation(voice: Voice, token: str | None) -> ConversationView:
    view = await voice.conversations.by_token(token) if token else None
    if view is None or view.owner == Owner.CLOSED:
        raise NotFound("a call belongs to an open conversation: open the chat first and send its token")
    return view


async def _call(voice: Voice, page: "Page", view: ConversationView) -> None:
    if voice.calls_of(view.id):
        raise TooManyCalls("this conversation has a call already")
    if len(voice) >= voice.settings.voice_calls:
        raise TooManyCalls
    line = BrowserLine(page, voice.settings.voice_call_minutes * 60)
    page.send({"type": "ready", "mode": "call", "rate": RATE, "session": view.id, "owner": view.owner})
    await voice.hold(view, line, Captions(page).show)


class Page:
    """The socket: frames in with their limits, frames out without waiting."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._outbox: asyncio.Queue[dict[str, Any] | bytes | None] = asyncio.Queue(OUTBOX)
        self._texts = RateLimit(FRAMES_A_SECOND * 5, 5.0)
        self._began = time.monotonic()
        self._sound_bytes = 0
        self._code = 1000
        self._is_broken = False

    async def receive(self) -> dict[str, Any] | bytes:
        """A JSON object or sound. Raises Idle, TooFast, BadFrame, WebSocketDisconnect."""
        try:
            message = await asyncio.wait_for(self._socket.receive(), IDLE_SECONDS)
        except TimeoutError:
            raise Idle from None
        if self._is_broken or message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
        sound = message.get("bytes")
        return self._sound(sound) if sound is not None else self._json(message.get("text") or "")

    def _sound(self, pcm: bytes) -> bytes:
        if len(pcm) > MAX_FRAME_BYTES or len(pcm) % 2:
            raise BadFrame(f"sound frames hold whole samples and at most {MAX_FRAME_BYTES} bytes")
        self._sound_bytes += len(pcm)
        lived = time.monotonic() - self._began
        if self._sound_bytes / BYTES_A_SECOND > lived * FASTER_THAN_LIFE + BURST_SECONDS:
            raise TooFast("sound comes faster than it can have been spoken")
        return pcm

    def _json(self, text: str) -> dict[str, Any]:
        if not self._texts.allows("texts"):
            raise TooFast
        if len(text) > MAX_TEXT_BYTES:
            raise BadFrame(f"at most {MAX_TEXT_BYTES} characters a frame")
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            raise BadFrame("not JSON") from None
        if not isinstance(frame, dict):
            raise BadFrame("a frame is an object")
        return frame

    def command(self, frame: dict[str, Any]) -> Any:
        try:
            return _FRAMES.validate_python(frame)
        except ValidationError as error:
            raise BadFrame(error.errors()[0]["msg"]) from None

    def send(self, frame: dict[str, Any] | bytes) -> None:
        try:
            self._outbox.put_nowait(frame)
        except asyncio.QueueFull:
            self._is_broken = True

    def fail(self, problem: Problem) -> None:
        self.send({"type": "error", "code": problem.code, "detail": problem.title, "retry": problem.retry})
        self._code = {503: TRY_AGAIN_LATER, 500: INTERNAL_ERROR}.get(problem.status, POLICY_VIOLATION)

    def close(self) -> None:
        if self._outbox.full():
            self._is_broken = True
            self._outbox.get_nowait()
        self._outbox.put_nowait(None)

    async def pump(self) -> None:
        """Write until closed; a page that stops reading is cut off."""
        try:
            while (frame := await self._outbox.get()) is not None and not self._is_broken:
                write = self._socket.send_bytes(frame) if isinstance(frame, bytes) else self._socket.send_json(frame)
                await asyncio.wait_for(write, SEND_SECONDS)
            await asyncio.wait_for(self._socket.close(TRY_AGAIN_LATER if self._is_broken else self._code), SEND_SECONDS)
        except (WebSocketDisconnect, RuntimeError, TimeoutError):
            self._is_broken = True


class BrowserLine:
    """Implements `voice.line.Line`. The page says how far it has played; when it does not, the clock is believed."""

    rate: Rate = RATE

    def __init__(self, page: Page, longest_seconds: float) -> None:
        self._page = page
        self._longest = longest_seconds
        self._written = 0.0
        self._heard = 0.0
        self._reported, self._reported_at = 0.0, -REPORT_SECONDS
        self._muted = False
        self._at = 0.0
        self._incoming: asyncio.Queue[bytes | LineEvent | Problem] = asyncio.Queue(OUTBOX)
        self._last_tick = time.monotonic()

    async def events(self) -> AsyncIterator[LineEvent]:
        reader = asyncio.create_task(self._read())
        try:
            while True:
                event = await self._next()
                if isinstance(event, Problem):
                    raise event
                yield event
                if isinstance(event, HungUp) or self._at > self._longest:
                    return
        finally:
            reader.cancel()

    async def _next(self) -> LineEvent | Problem:
        try:
            async with asyncio.timeout(SILENT_STEP * 2):
                item = await self._incoming.get()
        except TimeoutError:
            item = SILENCE
        if not isinstance(item, bytes):
            return item
        at, self._at = self._at, self._at + len(item) / BYTES_A_SECOND
        self._play_on()
        return AudioFrame(bytes(len(item)) if self._muted else item, at)

    async def _read(self) -> None:
        try:
            while True:
                frame = await self._page.receive()
                if isinstance(frame, bytes):
                    self._put(frame) if frame else None
                else:
                    self._obey(self._page.command(frame))
        except WebSocketDisconnect:
            self._put(HungUp())
        except Problem as problem:
            self._put(problem)
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("a call's socket failed")
            self._put(HungUp())

    def _put(self, item: bytes | LineEvent | Problem) -> None:
        if self._incoming.full():
            self._incoming.get_nowait()  # we are behind; the oldest sound is lost
        self._incoming.put_nowait(item)

    def _obey(self, frame: Any) -> None:
        match frame:
            case Played(seconds=seconds):
                self._reported, self._reported_at = seconds, time.monotonic()
            case Mute(on=on):
                self._muted = on
                self._page.send({"type": "muted", "on": on})
            case Key(digit=digit):
                self._put(Digit(digit))
            case Person():
                self._put(PersonWanted())
            case HangUp():
                self._put(HungUp())
            case Ping():
                self._page.send({"type": "pong"})
            case _:
                raise BadFrame(f"{frame.type} belongs to dictation")

    def _play_on(self) -> None:
        now = time.monotonic()
        passed, self._last_tick = now - self._last_tick, now
        is_told = now - self._reported_at < REPORT_SECONDS
        wanted = self._reported if is_told else self._heard + passed
        self._heard = min(max(self._heard, wanted), self._written)

    def write(self, pcm: bytes) -> None:
        self._page.send(pcm)
        self._written += len(pcm) / BYTES_A_SECOND

    @property
    def written(self) -> float:
        return self._written

    @property
    def heard(self) -> float:
        return self._heard

    def flush(self) -> None:
        self._play_on()
        self._written = self._heard
        self._page.send({"type": "flush", "position": round(self._heard, 3)})

    async def hang_up(self, reason: EndReason) -> None:
        self._page.send({"type": "ended", "reason": reason})


class Captions:
    """What happens in a call, as the page shows it."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def show(self, event: events.CallEvent) -> None:
        if frame := self._frame(event):
            self._page.send(frame)

    def _frame(self, event: events.CallEvent) -> dict[str, Any] | None:  # noqa: PLR0911 (one line an event)
        match event:
            case events.CallStarted():
                return _state("listening")
            case events.SpeechBegan(interrupts=interrupts):
                return _state("hearing") | {"interrupted": interrupts}
            case events.PartialHeard(text=text):
                return {"type": "partial", "text": text}
            case events.UtteranceHeard(text=text, confidence=confidence):
                return {"type": "final", "text": text, "confidence": confidence}
            case events.ThinkingBegan():
                return _state("thinking")
            case events.SpeakingBegan(text=text, turn=turn):
                return {"type": "caption", "text": text, "turn": turn, "spoken": True}
            case events.VoiceFailed(text=text):
                return {"type": "caption", "text": text, "turn": None, "spoken": False}
            case events.SpeakingEnded(heard=heard, turn=turn, is_whole=is_whole):
                return _state("listening") | {"heard": heard, "turn": turn, "whole": is_whole}
            case events.NothingHeard() | events.FalseInterruption() | events.BackChannelHeard():
                return {"type": "partial", "text": ""}
            case events.Answered(turn=turn, timings_ms=timings):
                return {"type": "timing", "turn": turn, "ms": timings}
            case events.OwnerSeen(owner=owner):
                return {"type": "owner", "owner": owner}
            case _:
                return None


def _state(state: str) -> dict[str, Any]:
    return {"type": "state", "state": state}


class Dictation:
    """Press and hold: the transcript comes back, no turn is taken and nothing is stored."""

    def __init__(self, voice: Voice, page: Page) -> None:
        self._page = page
        self._session = voice.session(RATE)
        self._seconds: float | None = None  # of the press under way
        self._shown = ""
        self._parts: list[Transcript] = []  # what the recogniser has ended by itself

    async def run(self) -> None:
        try:
            while True:
                frame = await self._page.receive()
                if isinstance(frame, bytes):
                    await self._hear(frame)
                else:
                    await self._obey(self._page.command(frame))
        finally:
            self._session.close()

    async def _obey(self, frame: Any) -> None:
        match frame:
            case Begin():
                await self._forget()
                self._seconds = 0.0
            case End():
                await self._finish()
            case Cancel():
                await self._forget()
            case HangUp():
                raise WebSocketDisconnect
            case Ping():
                self._page.send({"type": "pong"})
            case _:
                raise BadFrame(f"{frame.type} belongs to a call")

    async def _hear(self, pcm: bytes) -> None:
        if self._seconds is None:
            return  # sound on its way when the finger was lifted
        self._seconds += len(pcm) / BYTES_A_SECOND
        transcript = await self._session.accept(pcm)
        if transcript and not transcript.is_empty:
            self._parts.append(transcript)
        words = "".join(part.text for part in self._parts) + await self._session.partial()
        if words != self._shown:
            self._shown = words
            self._page.send({"type": "partial", "text": words})
        if self._seconds >= DICTATION_SECONDS:
            await self._finish()

    async def _finish(self) -> None:
        if self._seconds is None:
            return
        last = await self._session.finish()
        heard = together([*self._parts, *([] if last.is_empty else [last])])
        confidence = None if heard.is_empty else heard.confidence
        self._page.send({"type": "final", "text": heard.text, "confidence": confidence})
        self._seconds, self._shown, self._parts = None, "", []

    async def _forget(self) -> None:
        if self._seconds is not None:
            await self._session.finish()
        self._seconds, self._shown, self._parts = None, "", []
