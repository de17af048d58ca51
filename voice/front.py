"""The one path that turns take, as a call sees it. The app hands it in: rooms of one row do not import each other."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from conversations.schemas import Message
from voice.commands import Control


@dataclass(frozen=True)
class Said:
    """What a caller said or keyed, as a turn. `speech` is kept with the turn: words, partials, alternatives, times."""

    conversation: str
    client_id: str
    text: str
    control: Control | None = None  # a command to the robot, known by its words
    pick: str | None = None  # key of the article chosen from the list of `picked_from`
    picked_from: str | None = None
    audio: str | None = None  # id of its recording
    hypothesis: str | None = None
    confidence: float | None = None
    model: str | None = None
    speech: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    turn: str | None
    messages: list[Message]  # what the robot and the system said, in order
    owner: str
    control: str | None = None
    timings_ms: dict[str, float] = field(default_factory=dict)


class FrontLine(Protocol):
    async def take(self, said: Said) -> Answer:
        """Raises Problem."""
        ...

    async def want_person(self, conversation: str, reason: str) -> None:
        """Queue for a person; what is said about it comes as a message of the system."""
        ...

    async def heard(self, conversation: str, turn: str, text: str, timings_ms: dict[str, float]) -> None:
        """Store what of a turn's answer the caller has heard, and how long its stages took."""
        ...
