"""The speech process as the app hears with it: a client of vosk-server's WebSocket protocol.

Source: websocket/asr_server.py of alphacep/vosk-server. One JSON reply follows every binary message; a configuration is
not answered; {"reset" : 1} ends the utterance and goes on.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from asr.engine import Transcript
from asr.model_folder import model_in_use, model_version
from asr.vosk_results import joined, transcript_of
from core.settings import Settings
from voice.problems import NoRecogniser

CONNECT_SECONDS = 2.0
REPLY_SECONDS = 4.0
CHUNK_SECONDS = 1.0


def model_name(settings: Settings) -> Callable[[], str]:
    """Name and version of the model that the speech process uses: turns are kept with it."""
    known: dict[tuple[Path, int], str] = {}

    def current() -> str:
        folder = model_in_use(settings)
        try:
            state = folder, folder.stat().st_mtime_ns
        except OSError:
            return ""
        if state not in known:  # hashed once: tens of megabytes
            known[state] = model_version(folder)
        return known[state]

    return current


class RecogniserClient:
    """Implements `asr.engine.Transcriber`."""

    def __init__(self, url: str, model: Callable[[], str] = lambda: "") -> None:
        self._url = url
        self._model = model

    @property
    def model(self) -> str:
        return self._model()

    def session(self, rate: int, phrases: Sequence[str] | None = None, alternatives: int = 0) -> "RecogniserSession":
        return RecogniserSession(self._url, self._model(), rate, phrases, alternatives)

    async def transcribe(self, pcm: bytes, rate: int) -> Transcript:
        session, step = self.session(rate), int(rate * CHUNK_SECONDS) * 2
        try:
            heard = [await session.accept(pcm[start : start + step]) for start in range(0, len(pcm), step)]
            return together([part for part in [*heard, await session.finish()] if part and not part.is_empty])
        finally:
            session.close()

    def close(self) -> None:
        pass


class RecogniserSession:
    """Implements `asr.engine.StreamingSession`. Raises NoRecogniser when the process does not answer; the next call
    then connects anew."""

    def __init__(self, url: str, model: str, rate: int, phrases: Sequence[str] | None, alternatives: int) -> None:
        self._url, self._name, self._rate, self._alternatives = url, model, rate, alternatives
        self._phrases = list(phrases or ())
        self._socket: ClientConnection | None = None
        self._partials: list[str] = []
        self._sent = 0
        self._offset = 0.0  # of the connection
        self._closing: set[asyncio.Task[None]] = set()
        self._changed = False

    async def accept(self, pcm: bytes) -> Transcript | None:
        reply = await self._ask(pcm)
        self._sent += len(pcm)
        if "partial" in reply:
            self._note(str(reply["partial"]))
            return None
        return self._utterance(reply)

    async def partial(self) -> str:
        return self._partials[-1] if self._partials else ""

    async def finish(self) -> Transcript:
        if self._socket is None:
            return Transcript("", "", 0.0, model=self._name)
        return self._utterance(await self._ask('{"reset" : 1}'))

    def expect(self, phrases: Sequence[str] | None) -> None:
        if list(phrases or ()) != self._phrases:
            self._phrases, self._changed = list(phrases or ()), True

    def close(self) -> None:
        socket, self._socket = self._socket, None
        if socket:
            task = asyncio.create_task(socket.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _ask(self, message: bytes | str) -> dict[str, Any]:
        try:
            socket = await self._connected()
            if self._changed:
                await socket.send(json.dumps({"config": {"phrase_list": self._phrases}}, ensure_ascii=False))
                self._changed = False
            await socket.send(message)
            reply = json.loads(await asyncio.wait_for(socket.recv(), REPLY_SECONDS))
        except (OSError, WebSocketException, TimeoutError, ValueError) as error:
            self.close()
            raise NoRecogniser(f"speech recognition: {type(error).__name__}") from error
        if not isinstance(reply, dict) or "error" in reply:
            self.close()
            raise NoRecogniser("speech recognition refused")
        return reply

    async def _connected(self) -> ClientConnection:
        if self._socket is None:
            self._socket = await asyncio.wait_for(connect(self._url, proxy=None, compression=None), CONNECT_SECONDS)
            configuration = {"sample_rate": self._rate, "words": True, "max_alternatives": self._alternatives}
            if self._phrases:
                configuration["phrase_list"] = self._phrases  # type: ignore[assignment]
            await self._socket.send(json.dumps({"config": configuration}, ensure_ascii=False))
            self._offset, self._changed = self._sent / (self._rate * 2), False
        return self._socket

    def _note(self, spaced: str) -> None:
        text = joined(spaced.split())
        if text and (not self._partials or self._partials[-1] != text):
            self._partials.append(text)

    def _utterance(self, reply: dict[str, Any]) -> Transcript:
        partials, self._partials = tuple(self._partials), []
        transcript = transcript_of([json.dumps(reply)], self._name, self._offset)
        return replace(transcript, partials=partials)


def together(parts: Sequence[Transcript]) -> Transcript:
    """Several utterances of one turn as one."""
    if len(parts) == 1:
        return parts[0]
    words = [word for part in parts for word in part.words]
    confidences = [word.confidence for word in words] or [part.confidence for part in parts]
    return Transcript(
        text="".join(part.text for part in parts), spoken="".join(part.spoken for part in parts),
        confidence=sum(confidences) / len(confidences) if confidences else 0.0, words=words,
        alternatives=[other for part in parts for other in part.alternatives] if len(parts) == 1 else (),
        model=parts[-1].model if parts else "", start=parts[0].start if parts else 0.0,
        end=parts[-1].end if parts else 0.0, partials=tuple(text for part in parts for text in part.partials),
    )  # fmt: skip
