"""vosk-server's WebSocket protocol, one client at a time.

A client may first send {"config": {"sample_rate": 8000, "phrase_list": […], "words": true, "max_alternatives": 0}},
which is not answered. Each binary message (16-bit little-endian mono PCM) is answered by one JSON text: {"partial"}, or
the utterance that has just ended. {"eof" : 1} gives the last utterance and ends the connection; {"reset" : 1} gives it
and goes on. What goes wrong is answered by {"error"}, which vosk-server does not have: there the connection breaks.

Source: websocket/asr_server.py of alphacep/vosk-server.
"""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from asr.engine import StreamingSession, Transcriber, Transcript
from asr.problems import TooManySessions
from core.problems import InvalidInput, Problem

log = structlog.get_logger()

DEFAULT_RATE = 8000  # clients that send no configuration are telephone lines
RATES = range(8000, 48001)
MOST_ALTERNATIVES = 20
MOST_PHRASES = 2000
POLICY_VIOLATION, TRY_AGAIN_LATER, INTERNAL_ERROR = 1008, 1013, 1011


@dataclass(frozen=True)
class Limits:
    idle_seconds: float = 60.0
    audio_seconds: float = 3600.0


@runtime_checkable
class RepliesItself(Protocol):
    """A session whose engine writes the protocol's replies."""

    own_reply: str


@dataclass
class Configuration:
    rate: int = DEFAULT_RATE
    phrases: list[str] | None = None
    words: bool = True
    alternatives: int = 0

    def change(self, wanted: Mapping[str, Any]) -> None:
        """Raises InvalidInput for a value that cannot be."""
        if "sample_rate" in wanted:
            self.rate = _whole(wanted["sample_rate"], "sample_rate", RATES)
        if "max_alternatives" in wanted:
            self.alternatives = _whole(wanted["max_alternatives"], "max_alternatives", range(MOST_ALTERNATIVES + 1))
        if "phrase_list" in wanted:
            self.phrases = _phrases(wanted["phrase_list"])
        if "words" in wanted:
            self.words = bool(wanted["words"])


def _whole(value: Any, name: str, allowed: range) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value not in allowed:
        raise InvalidInput(f"{name} must be a whole number from {allowed[0]} to {allowed[-1]}")
    return int(value)


def _phrases(value: Any) -> list[str] | None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value) or len(value) > MOST_PHRASES:
        raise InvalidInput(f"phrase_list must be a list of at most {MOST_PHRASES} texts")
    return [item for item in value if item.strip()] or None


class Ended(Exception):
    """The client is to be sent away, with a close code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


@dataclass
class Client:
    """One connection."""

    socket: ServerConnection
    transcriber: Transcriber
    limits: Limits
    configuration: Configuration = field(default_factory=Configuration)
    session: StreamingSession | None = None
    heard_bytes: int = 0

    async def serve(self) -> None:
        """Answer messages until the client or a limit ends it."""
        try:
            while await self._answer(await self._next_message()):
                pass
        except Ended as ended:
            await self._send_away(ended)
        except ConnectionClosed:
            pass
        except Exception:
            log.exception("a caller could not be heard")
            await self._send_away(Ended(INTERNAL_ERROR, "the recogniser failed"))
        finally:
            if self.session:
                self.session.close()

    async def _next_message(self) -> str | bytes:
        try:
            async with asyncio.timeout(self.limits.idle_seconds):
                return await self.socket.recv()
        except TimeoutError:
            raise Ended(POLICY_VIOLATION, f"no audio for {self.limits.idle_seconds:g} s") from None

    async def _answer(self, message: str | bytes) -> bool:
        """Whether the connection goes on."""
        try:
            if isinstance(message, bytes):
                await self._hear(message)
                return True
            return await self._obey(message)
        except TooManySessions:
            raise Ended(TRY_AGAIN_LATER, "too many callers at once") from None
        except Problem as problem:
            await self._say_error(problem.detail or problem.title)
            return True

    async def _hear(self, pcm: bytes) -> None:
        self.heard_bytes += len(pcm)
        if self.heard_bytes > self.limits.audio_seconds * self.configuration.rate * 2:
            raise Ended(POLICY_VIOLATION, f"more than {self.limits.audio_seconds:g} s of audio on one connection")
        session = self._opened()
        transcript = await session.accept(pcm)
        await self.socket.send(await self._reply(session, transcript))

    async def _obey(self, message: str) -> bool:
        command = _parsed(message)
        if "config" in command:
            self._configure(command["config"])
        elif command.get("eof") or command.get("reset"):
            session = self._opened()
            await self.socket.send(await self._reply(session, await session.finish()))
            return not command.get("eof")
        else:
            raise InvalidInput('a text message must be {"config": …}, {"eof" : 1} or {"reset" : 1}; audio is binary')
        return True

    def _configure(self, wanted: Any) -> None:
        if not isinstance(wanted, dict):
            raise InvalidInput("config must be an object")
        if self.session and not wanted.keys() <= {"phrase_list", "words"}:
            # Like vosk-server's, whose recogniser exists from the first audio on.
            log.info("only phrases can change once audio has come", keys=sorted(wanted)[:10])
            wanted = {key: value for key, value in wanted.items() if key in {"phrase_list", "words"}}
        self.configuration.change(wanted)
        if self.session and "phrase_list" in wanted:
            self.session.expect(self.configuration.phrases)

    def _opened(self) -> StreamingSession:
        if self.session is None:
            wanted = self.configuration
            self.session = self.transcriber.session(wanted.rate, wanted.phrases, wanted.alternatives)
        return self.session

    async def _reply(self, session: StreamingSession, transcript: Transcript | None) -> str:
        if isinstance(session, RepliesItself):
            reply = session.own_reply
            return reply if self.configuration.words or transcript is None else _without_words(reply)
        if transcript is None:
            return _written({"partial": await session.partial()})
        return _written(result_of(transcript, self.configuration.words))

    async def refuse(self) -> None:
        """Send the client away before it is heard."""
        await self._send_away(Ended(TRY_AGAIN_LATER, "too many connections"))

    async def _send_away(self, ended: Ended) -> None:
        with suppress(ConnectionClosed):
            await self._say_error(ended.reason)
            await self.socket.close(ended.code, ended.reason)

    async def _say_error(self, text: str) -> None:
        await self.socket.send(_written({"error": text}))


def result_of(transcript: Transcript, words: bool) -> dict[str, Any]:
    """A transcript in the form of Vosk's result."""
    text = " ".join(word.text for word in transcript.words) or transcript.spoken
    if not words or not transcript.words:
        return {"text": text}
    result = [
        {"conf": round(word.confidence, 6), "end": round(word.end, 6), "start": round(word.start, 6), "word": word.text}
        for word in transcript.words
    ]
    return {"result": result, "text": text}


def _without_words(reply: str) -> str:
    result = json.loads(reply)
    for part in [result, *result.get("alternatives", [])]:
        part.pop("result", None)
    return _written(result)


def _written(reply: Mapping[str, Any]) -> str:
    return json.dumps(reply, ensure_ascii=False)


def _parsed(message: str) -> dict[str, Any]:
    try:
        command = json.loads(message)
    except (ValueError, RecursionError):
        command = None
    if not isinstance(command, dict):
        raise InvalidInput('a text message must be JSON: {"config": …}, {"eof" : 1} or {"reset" : 1}; audio is binary')
    return command
