"""What the desk takes and gives."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from conversations.schemas import Message, Rating
from core.database import STORABLE

PresenceState = Literal["ready", "not_ready"]
ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
MAX_MESSAGE_CHARS = 2000


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PresenceChange(_Request):
    state: PresenceState


class AgentMessage(_Request):
    id: ClientId
    text: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_MESSAGE_CHARS, pattern=STORABLE)
    ]


class ArticleMessage(_Request):
    id: ClientId
    key: Annotated[str, StringConstraints(max_length=64)]


class ReturnToBot(_Request):
    note: Annotated[str, StringConstraints(max_length=500, pattern=STORABLE)] = ""


class ReadUpTo(_Request):
    seq: int = Field(ge=0)


class QueueItem(BaseModel):
    conversation: str
    channel: str
    elder: bool
    reason: str | None
    priority: int
    queued_at: datetime | None
    waiting_seconds: int
    last_text: str
    agent: str | None
    unread: int


class Overview(BaseModel):
    presence: PresenceState
    queue: list[QueueItem]
    mine: list[QueueItem]
    agents_ready: int


class ConversationHead(BaseModel):
    id: str
    channel: str
    owner: str
    elder: bool
    created_at: datetime
    agent: str | None
    reason: str | None


class TurnOnDesk(BaseModel):
    """The bot's guesses about one customer turn, as an agent sees them."""

    id: str
    seq: int
    text: str
    decision: str
    intent: str | None
    confidence: float | None
    ranking: list[dict[str, Any]]
    article: str | None
    candidates: list[dict[str, Any]]
    rating: Rating | None


class OwnershipOnDesk(BaseModel):
    from_: str = Field(serialization_alias="from")
    to: str
    reason: str
    actor: str
    note: str
    at: datetime


class ConversationOnDesk(BaseModel):
    conversation: ConversationHead
    messages: list[Message]
    turns: list[TurnOnDesk]
    ownership: list[OwnershipOnDesk]
