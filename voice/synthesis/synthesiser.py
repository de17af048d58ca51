"""What speaks, whichever engine it is. Audio is 16-bit little-endian mono PCM."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol

Rate = Literal[8000, 16000, 24000]
SLOWEST, FASTEST = 0.5, 2.0
QUIETEST, LOUDEST = 0.25, 4.0


@dataclass(frozen=True)
class Manner:
    """How something is said. `speed` 1 is the voice's own pace, `volume` 1 its own loudness."""

    speed: float = 1.0
    volume: float = 1.0
    rate: Rate = 16000


@dataclass(frozen=True)
class Spoken:
    """One sentence of the text, as written, and its sound."""

    text: str
    pcm: bytes


class Synthesiser(Protocol):
    def speak(self, text: str, manner: Manner) -> AsyncIterator[Spoken]:
        """The text sentence by sentence, each as soon as it is there. Raises NoVoice."""
        ...


class Engine(Protocol):
    """Makes the sound of one sentence; called from a thread, it may take seconds."""

    @property
    def name(self) -> str:
        """Name and version of model and voice: audio of another name is not reused."""
        ...

    def sound(self, sentence: str, speed: float) -> tuple[bytes, int]:
        """PCM of a sentence in spoken form (`spoken_form`), and its rate."""
        ...
