"""A caller on a line with a clock of its own, and small complete stand-ins for what hears, speaks and answers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from asr.engine import Transcript, Word
from conversations.schemas import ArticleRef, Message
from voice import events
from voice.front import Answer, Said
from voice.line import AudioFrame, Digit, EndReason, HungUp, LineEvent
from voice.problems import NoRecogniser, NoVoice
from voice.synthesis.sentences import sentences
from voice.synthesis.synthesiser import Manner, Spoken

RATE = 8000
FRAME = 0.02
SECONDS_A_CHAR = 0.2  # of the fake voice
LOOP_TURNS = 25  # that other tasks get between two frames


def pcm(seconds: float, level: int) -> bytes:
    return level.to_bytes(2, "little", signed=True) * round(seconds * RATE)


@dataclass(frozen=True)
class Sound:
    """What the caller utters at a moment. `text` is what the recogniser will understand of it; "" is mere noise."""

    at: float
    seconds: float
    text: str
    confidence: float = 0.95
    voiced: bool = True  # noticed by voice activity


class FakeLine:
    """Gives frames as fast as they are taken; the caller's script is made of the fakes below, all on this clock."""

    rate = RATE

    def __init__(self, seconds: float) -> None:
        self.length = seconds
        self.now = 0.0
        self.keys: list[tuple[float, str]] = []
        self.leaves_at: float | None = None
        self.at: dict[float, Callable[[], None]] = {}
        self._written = 0.0
        self._heard = 0.0
        self.flushes: list[float] = []
        self.hung_up: EndReason | None = None

    async def events(self) -> AsyncIterator[LineEvent]:
        frames = round(self.length / FRAME)
        for number in range(frames):
            at = number * FRAME
            self.now = at + FRAME
            self._heard = min(self._heard + FRAME, self._written)
            for moment in [moment for moment in self.at if moment <= at]:
                self.at.pop(moment)()
            for key in [key for key in self.keys if key[0] <= at]:
                self.keys.remove(key)
                yield Digit(key[1])
            if self.leaves_at is not None and at >= self.leaves_at:
                break
            yield AudioFrame(pcm(FRAME, 0), round(at, 4))
            for _ in range(LOOP_TURNS):
                await asyncio.sleep(0)
        yield HungUp()

    async def until(self, moment: float) -> None:
        while self.now < moment:  # noqa: ASYNC110 (this clock tells nobody)
            await asyncio.sleep(0)

    def write(self, data: bytes) -> None:
        self._written += len(data) / 2 / RATE

    @property
    def written(self) -> float:
        return self._written

    @property
    def heard(self) -> float:
        return self._heard

    def flush(self) -> None:
        self._written = self._heard
        self.flushes.append(self.now)

    async def hang_up(self, reason: EndReason) -> None:
        self.hung_up = reason


class Caller:
    """What is uttered on a line: voice activity and recogniser both know it."""

    def __init__(self, line: FakeLine, *sounds: Sound) -> None:
        self.line = line
        self.sounds = list(sounds)

    def probability(self, _pcm: bytes) -> float:
        """Implements VoiceActivity."""
        now = self.line.now
        return 0.95 if any(s.voiced and s.at < now <= s.at + s.seconds + 1e-6 for s in self.sounds) else 0.02

    def words_at(self, since: float, now: float) -> tuple[str, float]:
        """What of the sounds since a moment has been understood by now: it grows with them, 0.2 s late."""
        text, confidence = "", 1.0
        for sound in self.sounds:
            if not sound.text or sound.at < since - 0.5 or now < sound.at + 0.2:
                continue
            share = min(1.0, (now - 0.2 - sound.at) / sound.seconds) if sound.seconds else 1.0
            text += sound.text[: max(1, round(len(sound.text) * share))]
            confidence = min(confidence, sound.confidence)
        return text, confidence


class FakeSession:
    """Implements StreamingSession, without endpoints of its own."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.since = 0.0
        self.is_broken = False
        self.bytes = 0
        self.is_closed = False
        self._heard = False

    async def accept(self, data: bytes) -> Transcript | None:
        if self.is_broken:
            raise NoRecogniser("away")
        self.bytes += len(data)
        self._heard = True
        return None

    async def partial(self) -> str:
        return self.caller.words_at(self.since, self.caller.line.now)[0]

    async def finish(self) -> Transcript:
        now = self.caller.line.now
        text, confidence = self.caller.words_at(self.since, now)
        self.since = now + 0.5
        words = [Word(text, 0.0, 1.0, confidence)] if text else []
        return Transcript(text, text, confidence if text else 0.0, words, model="fake-asr@1", partials=(text[:1],))

    def expect(self, phrases: Sequence[str] | None) -> None:
        pass

    def close(self) -> None:
        self.is_closed = True


class FakeTranscriber:
    """Implements Transcriber: understands `text` of any sound that is loud."""

    model = "fake-asr@1"

    def __init__(self, text: str = "转账限额是多少？") -> None:
        self.text = text
        self.is_down = False
        self.ends_by_itself = False  # at the first silence
        self.sessions: list[ByLoudness] = []

    def session(self, rate: int, phrases: Sequence[str] | None = None, alternatives: int = 0) -> "ByLoudness":
        self.sessions.append(ByLoudness(self))
        return self.sessions[-1]

    async def transcribe(self, data: bytes, rate: int) -> Transcript:
        return Transcript(self.text, self.text, 0.9)

    def close(self) -> None:
        pass


class ByLoudness:
    def __init__(self, engine: FakeTranscriber) -> None:
        self.engine = engine
        self.loud = 0
        self.is_closed = False

    async def accept(self, data: bytes) -> Transcript | None:
        if self.engine.is_down:
            raise NoRecogniser("away")
        loud = sum(1 for byte in data[1::2] if byte)
        self.loud += loud
        return await self.finish() if self.engine.ends_by_itself and self.loud and not loud else None

    async def partial(self) -> str:
        return self.engine.text[:4] if self.loud else ""

    async def finish(self) -> Transcript:
        loud, self.loud = self.loud, 0
        if not loud:
            return Transcript("", "", 0.0)
        return Transcript(
            self.engine.text, self.engine.text, 0.9, [Word(self.engine.text, 0, 1, 0.9)], model="fake-asr@1"
        )

    def expect(self, phrases: Sequence[str] | None) -> None:
        pass

    def close(self) -> None:
        self.is_closed = True


class ActivityByLoudness:
    def __init__(self, _rate: int) -> None:
        pass

    def probability(self, data: bytes) -> float:
        return 0.95 if any(data[1::2]) else 0.02


class FakeSynthesiser:
    """Takes SECONDS_A_CHAR of sound for each character."""

    def __init__(self, seconds_a_char: float = SECONDS_A_CHAR) -> None:
        self.manners: list[Manner] = []
        self.texts: list[str] = []
        self.is_down = False
        self._seconds = seconds_a_char

    async def speak(self, text: str, manner: Manner) -> AsyncIterator[Spoken]:
        self.texts.append(text)
        self.manners.append(manner)
        for sentence in sentences(text):
            if self.is_down:
                raise NoVoice("away")
            await asyncio.sleep(0)
            yield Spoken(sentence, bytes(2 * round(len(sentence) * self._seconds * manner.rate / manner.speed)))


def message(
    text: str, seq: int = 0, sender: Any = "bot", candidates: Sequence[str] = (), turn: str | None = None
) -> Message:
    return Message(
        id=f"m{seq}", seq=seq, sender=sender, name=None, text=text, turn=turn, at=datetime(2026, 1, 1, tzinfo=UTC),
        candidates=[ArticleRef(key=f"a.{place}", question=question) for place, question in enumerate(candidates)],
    )  # fmt: skip


@dataclass
class FakeFront:
    """Answers the texts that a test taught it."""

    line: FakeLine
    answers: dict[str, str | list[Message] | Exception] = field(default_factory=dict)
    seconds: float = 0.1  # of thinking
    owner: str = "BOT"
    said: list[Said] = field(default_factory=list)
    persons: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    timings: dict[str, dict[str, float]] = field(default_factory=dict)
    controls: dict[str, str] = field(default_factory=dict)

    async def take(self, said: Said) -> Answer:
        self.said.append(said)
        number = len(self.said)
        await self.line.until(self.line.now + self.seconds)
        answer = self.answers.get(said.text, "好的，已经为您查到了。")
        if isinstance(answer, Exception):
            raise answer
        messages = answer if isinstance(answer, list) else [message(answer, number * 2, turn=f"t{number}")]
        return Answer(f"t{number}", messages, self.owner, self.controls.get(said.text), {"total": 5.0})

    async def want_person(self, conversation: str, reason: str) -> None:
        self.persons.append(reason)

    async def heard(self, conversation: str, turn: str, text: str, timings_ms: dict[str, float]) -> None:
        self.kept[turn] = text
        self.timings[turn] = timings_ms


class Watched:
    """Every event of a call."""

    def __init__(self) -> None:
        self.all: list[events.CallEvent] = []

    def __call__(self, event: events.CallEvent) -> None:
        self.all.append(event)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.all if isinstance(event, kind)]

    @property
    def spoken(self) -> list[str]:
        return [event.text for event in self.of(events.SpeakingBegan)]
