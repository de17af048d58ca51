"""What the robot is saying: sentences on their way to the line, and how far the caller has heard them."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from voice.line import Line
from voice.problems import NoVoice
from voice.synthesis.sentences import sentences
from voice.synthesis.synthesiser import Manner, Spoken, Synthesiser

AHEAD_SECONDS = 1.0  # written before its time: a busy moment of the process is not heard
BYTES_A_SAMPLE = 2


@dataclass
class Placed:
    """A sentence at its place in the line's time."""

    text: str
    start: float
    seconds: float


@dataclass
class Prompt:
    """One thing to be said, from when it is decided to when it has been heard or cut off."""

    text: str
    turn: str | None = None  # whose answer it is, or part of it
    is_answer: bool = False
    asks: bool = False  # ends in a question
    placed: list[Placed] = field(default_factory=list)
    waiting: list[Spoken] = field(default_factory=list)
    is_made: bool = False  # all of it has been synthesised
    failed: bool = False
    asked_at: float = 0.0
    first_audio_at: float | None = None

    def heard(self, position: float) -> str:
        """The part of the text that has come out when the line has played up to `position`."""
        heard = "".join(_heard_of(piece, position) for piece in self.placed)
        is_all = self.text.startswith(heard) and not re.search(r"\w", self.text[len(heard) :])
        return self.text if is_all else heard

    def left(self, position: float) -> str:
        """From the sentence that was cut off to the end."""
        whole = [piece.text for piece in self.placed if piece.start + piece.seconds <= position + 0.05]
        rest = sentences(self.text)[len(whole) :]
        return "".join(rest)


def _heard_of(piece: Placed, position: float) -> str:
    if piece.seconds <= 0:
        return ""
    share = min(1.0, max(0.0, (position - piece.start) / piece.seconds))
    return piece.text[: round(len(piece.text) * share)]


class Playback:
    """Says one prompt after the other. `pump` is called with every frame and never waits."""

    def __init__(self, line: Line, synthesiser: Synthesiser, on_failure: Callable[[Prompt, NoVoice], None]) -> None:
        self._line = line
        self._synthesiser = synthesiser
        self._on_failure = on_failure
        self._prompts: list[Prompt] = []
        self._maker: asyncio.Task[None] | None = None
        self._pcm = b""  # of the sentence that is being written
        self.manner = Manner(rate=line.rate)

    @property
    def current(self) -> Prompt | None:
        return self._prompts[0] if self._prompts else None

    @property
    def is_speaking(self) -> bool:
        """From the first sound to the last; while the first sentence is being made, the robot is not yet speaking."""
        return bool(self._prompts) and bool(self._prompts[0].placed)

    @property
    def is_busy(self) -> bool:
        return bool(self._prompts)

    @property
    def awaits_answer(self) -> bool:
        """The question that ends the last prompt is being asked."""
        prompt = self.current
        if prompt is None or not prompt.asks or len(self._prompts) > 1 or not prompt.is_made or prompt.waiting:
            return False
        return bool(prompt.placed) and self._line.heard >= prompt.placed[-1].start

    def say(self, prompt: Prompt) -> None:
        self._prompts.append(prompt)
        if len(self._prompts) == 1:
            self._make(prompt)

    def pump(self, now: float) -> Prompt | None:
        """Write what is due; gives the prompt that has just been heard to its end."""
        prompt = self.current
        if prompt is None:
            return None
        self._write(prompt, now)
        if prompt.is_made and not prompt.waiting and not self._pcm and self._line.heard >= self._line.written - 1e-3:
            return self._next()
        return None

    def cut(self) -> list[Prompt]:
        """Fall silent at once; gives the prompts that were cut off or dropped, the one being heard first."""
        prompts, self._prompts, self._pcm = self._prompts, [], b""
        if self._maker:
            self._maker.cancel()
        self._line.flush()
        return prompts

    def _next(self) -> Prompt:
        done = self._prompts.pop(0)
        if self._prompts:
            self._make(self._prompts[0])
        return done

    def _make(self, prompt: Prompt) -> None:
        self._maker = asyncio.create_task(self._fill(prompt))

    async def _fill(self, prompt: Prompt) -> None:
        try:
            async for spoken in self._synthesiser.speak(prompt.text, self.manner):
                prompt.waiting.append(spoken)
        except NoVoice as problem:
            prompt.failed = True
            self._on_failure(prompt, problem)
        finally:
            prompt.is_made = True

    def _write(self, prompt: Prompt, now: float) -> None:
        per_second = self._line.rate * BYTES_A_SAMPLE
        while self._line.written - self._line.heard < AHEAD_SECONDS and (self._pcm or prompt.waiting):
            if not self._pcm:
                spoken = prompt.waiting.pop(0)
                self._pcm = spoken.pcm
                prompt.placed.append(Placed(spoken.text, self._line.written, len(spoken.pcm) / per_second))
                if prompt.first_audio_at is None:
                    prompt.first_audio_at = now
            step = (int(per_second * 0.2)) & ~1
            self._line.write(self._pcm[:step])
            self._pcm = self._pcm[step:]
