"""A transcriber that hears what the test says: each byte b"." is a sound, b"|" ends an utterance."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from asr.engine import Transcript, Word
from asr.problems import TooManySessions


@dataclass
class FakeSession:
    rate: int
    phrases: list[str] | None
    alternatives: int
    sounds: int = 0
    is_closed: bool = False
    delay: float = 0.0

    async def accept(self, pcm: bytes) -> Transcript | None:
        await asyncio.sleep(self.delay)
        if pcm == b"fail":
            raise RuntimeError("broken")
        self.sounds += pcm.count(b".")
        return await self.finish() if b"|" in pcm else None

    async def partial(self) -> str:
        return "好" * self.sounds

    async def finish(self) -> Transcript:
        words = [Word("好", number * 1.0, number + 0.5, 0.75) for number in range(self.sounds)]
        self.sounds = 0
        return Transcript("好" * len(words), "好" * len(words), 0.75, words)

    def expect(self, phrases: Sequence[str] | None) -> None:
        self.phrases = list(phrases) if phrases else None

    def close(self) -> None:
        self.is_closed = True


@dataclass
class FakeTranscriber:
    most: int = 100
    model: str = "fake@1"
    sessions: list[FakeSession] = field(default_factory=list)

    def session(self, rate: int, phrases: Sequence[str] | None = None, alternatives: int = 0) -> FakeSession:
        if sum(not session.is_closed for session in self.sessions) >= self.most:
            raise TooManySessions
        session = FakeSession(rate, list(phrases) if phrases else None, alternatives)
        self.sessions.append(session)
        return session

    async def transcribe(self, pcm: bytes, rate: int) -> Transcript:
        session = self.session(rate)
        await session.accept(pcm)
        return await session.finish()

    def close(self) -> None:
        pass
