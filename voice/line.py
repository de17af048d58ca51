"""The line that a caller is on, whatever carries it: telephone, browser, a test.

Audio is 16-bit little-endian mono PCM at the line's rate, both ways. All times are seconds of the line's own clock,
which is the audio itself: a line gives frames without a gap, silence where nothing comes, so that every rule of timing
can be tested without waiting.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol

from voice.synthesis.synthesiser import Rate

FRAME_SECONDS = 0.032  # what voice activity is judged by


@dataclass(frozen=True)
class AudioFrame:
    """Up to a tenth of a second from the caller; `at` is the time of its first sample."""

    pcm: bytes
    at: float


@dataclass(frozen=True)
class Digit:
    digit: str  # 0-9 * #


@dataclass(frozen=True)
class PersonWanted:
    """The caller has pressed what calls a person, where the line has such a thing."""


@dataclass(frozen=True)
class HungUp:
    """The caller is gone."""


LineEvent = AudioFrame | Digit | PersonWanted | HungUp
EndReason = Literal["caller", "silence", "closed", "failed", "too_long"]


class Line(Protocol):
    @property
    def rate(self) -> Rate: ...

    def events(self) -> AsyncIterator[LineEvent]: ...

    def write(self, pcm: bytes) -> None:
        """Put audio behind what is waiting to be played. Never waits."""
        ...

    @property
    def written(self) -> float:
        """Seconds of audio written so far, what was flushed not counted."""
        ...

    @property
    def heard(self) -> float:
        """Seconds of it that have come out at the caller's ear."""
        ...

    def flush(self) -> None:
        """Drop what has not been heard: the caller hears silence from the next frame on, and `written` is `heard`."""
        ...

    async def hang_up(self, reason: EndReason) -> None: ...
