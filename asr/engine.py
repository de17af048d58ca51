"""What a speech recogniser gives, whichever engine it is.

Times are seconds from the start of the stream. Audio is 16-bit little-endian mono PCM at the session's rate;
`asr.audio` makes it of everything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Word:
    text: str
    start: float
    end: float
    confidence: float  # 0 to 1


@dataclass(frozen=True)
class Alternative:
    """Another reading of the same speech, less likely than the one before it."""

    text: str
    confidence: float


@dataclass(frozen=True)
class Transcript:
    """One utterance. `text` is in written form ("尾号8842"), `spoken` as it was heard ("尾号八八四二")."""

    text: str
    spoken: str
    confidence: float  # 0 to 1; mean over the words
    words: Sequence[Word] = ()
    alternatives: Sequence[Alternative] = ()
    model: str = ""  # name and version of the model that heard it
    start: float = 0.0
    end: float = 0.0
    partials: Sequence[str] = field(default=(), compare=False)  # what was shown while it was spoken

    @property
    def is_empty(self) -> bool:
        return not self.spoken


class StreamingSession(Protocol):
    """One caller's recogniser. Calls must not overlap; each runs outside the event loop."""

    async def accept(self, pcm: bytes) -> Transcript | None:
        """Hear more; gives the utterance that the engine's own endpointing has just ended, if any. It is empty when
        nothing was said for long."""
        ...

    async def partial(self) -> str:
        """What has been understood of the utterance so far, as spoken."""
        ...

    async def finish(self) -> Transcript:
        """End the utterance now, whatever has come. The session then begins the next one."""
        ...

    def expect(self, phrases: Sequence[str] | None) -> None:
        """From the next utterance on hear only these phrases (a grammar of the dialogue's state); None: anything."""
        ...

    def close(self) -> None: ...


class Transcriber(Protocol):
    """An engine with its model loaded once, for any number of sessions."""

    @property
    def model(self) -> str:
        """Name and version of the model."""
        ...

    def session(self, rate: int, phrases: Sequence[str] | None = None, alternatives: int = 0) -> StreamingSession:
        """A session for PCM of `rate` Hz (8000 or 16000) with up to `alternatives` readings of each utterance.

        Raises TooManySessions beyond the limit.
        """
        ...

    async def transcribe(self, pcm: bytes, rate: int) -> Transcript:
        """A whole recording as one transcript."""
        ...

    def close(self) -> None: ...
