"""Every fact of a call, told to whoever watches it. Times are seconds of the line's clock."""

from collections.abc import Callable
from dataclasses import dataclass, field

from voice.line import EndReason


@dataclass(frozen=True)
class CallStarted:
    at: float


@dataclass(frozen=True)
class SpeechBegan:
    """The caller speaks."""

    at: float
    interrupts: bool


@dataclass(frozen=True)
class PartialHeard:
    at: float
    text: str


@dataclass(frozen=True)
class UtteranceHeard:
    """A final transcript that became a turn."""

    at: float
    text: str
    confidence: float | None


@dataclass(frozen=True)
class BackChannelHeard:
    at: float
    text: str


@dataclass(frozen=True)
class NothingHeard:
    """No speech came, or speech without words; `times` in a row."""

    at: float
    kind: str  # no_speech, no_match
    times: int


@dataclass(frozen=True)
class FalseInterruption:
    at: float


@dataclass(frozen=True)
class ThinkingBegan:
    at: float


@dataclass(frozen=True)
class SpeakingBegan:
    at: float
    text: str
    turn: str | None


@dataclass(frozen=True)
class SpeakingEnded:
    """`heard` is what came out of `text` before the end, or before the interruption."""

    at: float
    text: str
    heard: str
    turn: str | None
    is_whole: bool


@dataclass(frozen=True)
class VoiceFailed:
    """A text could not be spoken; it is to be read instead."""

    at: float
    text: str
    reason: str


@dataclass(frozen=True)
class Answered:
    """An answer's first sound. Milliseconds by stage (endpoint, recogniser, turn, speech) and in all."""

    at: float
    turn: str | None
    timings_ms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class OwnerSeen:
    """Who owns the conversation, as the last turn showed it."""

    at: float
    owner: str


@dataclass(frozen=True)
class CallEnded:
    at: float
    reason: EndReason


CallEvent = (
    CallStarted | SpeechBegan | PartialHeard | UtteranceHeard | BackChannelHeard | NothingHeard | FalseInterruption
    | ThinkingBegan | SpeakingBegan | SpeakingEnded | VoiceFailed | Answered | OwnerSeen | CallEnded
)  # fmt: skip
Watcher = Callable[[CallEvent], None]
