"""What the recogniser is given of the line, and the sound of the present utterance."""

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

from asr.engine import StreamingSession, Transcript
from voice.line import AudioFrame
from voice.problems import NoRecogniser
from voice.recognition import together

log = structlog.get_logger()

PRE_ROLL_SECONDS = 0.4  # before voice was noticed: the first sound of a word is quiet
LONGEST_SECONDS = 60.0  # of sound that is kept of one utterance


class Ears:
    """While the robot is silent everything is heard. While it speaks, only from the first voice on, with pre-roll:
    else the recogniser would take its echo for words."""

    def __init__(self, session: StreamingSession, rate: int, on_failure: Callable[[NoRecogniser], None]) -> None:
        self._session = session
        self._bytes_a_second = rate * 2
        self._on_failure = on_failure
        self._recent: deque[bytes] = deque()
        self._recent_bytes = 0
        self._fed = False  # the frames up to now have gone to the recogniser
        self._pending = bytearray()
        self._feeding: asyncio.Task[None] | None = None
        self._parts: list[Transcript] = []
        self._sound = bytearray()
        self._is_voice = False
        self.words = ""

    @property
    def sound(self) -> bytes:
        """Of the utterance so far, pre-roll included."""
        return bytes(self._sound)

    @property
    def has_ended_itself(self) -> bool:
        """The engine's own endpointing has given an utterance."""
        return bool(self._parts)

    def hear(self, frame: AudioFrame, is_wanted: bool, is_voice: bool) -> None:
        """`is_wanted`: give it to the recogniser. `is_voice`: it belongs to an utterance."""
        if is_voice and not self._is_voice:
            self._sound = bytearray(b"".join(self._recent))
        if is_voice and len(self._sound) < LONGEST_SECONDS * self._bytes_a_second:
            self._sound += frame.pcm
        self._is_voice = is_voice
        if is_wanted:
            before = b"".join(self._recent) if is_voice and not self._fed else b""
            self._give(before + frame.pcm)
        self._fed = is_wanted
        self._remember(frame.pcm)

    def _remember(self, pcm: bytes) -> None:
        self._recent.append(pcm)
        self._recent_bytes += len(pcm)
        while self._recent_bytes - len(self._recent[0]) >= PRE_ROLL_SECONDS * self._bytes_a_second:
            self._recent_bytes -= len(self._recent.popleft())

    def _give(self, pcm: bytes) -> None:
        """Beside the call: a recogniser that is slow for a moment must not stop what is being said."""
        self._pending += pcm
        if self._feeding is None or self._feeding.done():
            self._feeding = asyncio.create_task(self._feed())

    async def _feed(self) -> None:
        while self._pending:
            pcm, self._pending = bytes(self._pending), bytearray()
            try:
                transcript = await self._session.accept(pcm)
                if transcript and not transcript.is_empty:
                    self._parts.append(transcript)
                partial = "" if transcript else await self._session.partial()
            except NoRecogniser as problem:
                self._on_failure(problem)
                return
            self.words = "".join(part.spoken for part in self._parts) + partial

    async def finish(self) -> Transcript:
        """The utterance, and a fresh start. Empty when there were no words."""
        if self._feeding:
            await self._feeding
        try:
            last = await self._session.finish()
        except NoRecogniser as problem:
            self._on_failure(problem)
            last = Transcript("", "", 0.0)
        parts = [*self._parts, *([] if last.is_empty else [last])]
        self._parts, self.words, self._is_voice = [], "", False
        return together(parts) if parts else last

    async def forget(self) -> None:
        """What was heard up to now was nothing."""
        if self.words or self._fed:
            await self.finish()
        self._parts, self.words, self._is_voice, self._fed = [], "", False, False

    def expect(self, phrases: list[str] | None) -> None:
        self._session.expect(phrases)

    def close(self) -> None:
        if self._feeding:
            self._feeding.cancel()
        self._session.close()
