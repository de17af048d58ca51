"""What `conversations` takes and gives; the pages' API shows the same shapes."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

Sender = Literal["customer", "bot", "agent", "system"]
Rating = Literal["solved", "unsolved"]
Outcome = Literal["failed", "answered", "neutral"]  # what a turn means for the count of failures in a row
MAX_SEQ = 2**31 - 1  # what the databases' integers hold
Decision = Literal["answer", "clarify", "unrecognised", "task", "handoff", "social", "silent"]


class ArticleRef(BaseModel):
    key: str
    question: str
    version: int | None = None


class Button(BaseModel):
    title: str
    send: str | None = None  # the text that a tap sends
    action: Literal["human"] | None = None


class MessageContent(BaseModel):
    """The rich part of a message. A channel that cannot show it sends the plain text alone."""

    format: Literal["plain", "markdown"] = "plain"
    buttons: list[Button] = Field(default_factory=list)
    article: ArticleRef | None = None
    candidates: list[ArticleRef] = Field(default_factory=list)
    related: list[ArticleRef] = Field(default_factory=list)
    rateable: bool = False
    spoken: str | None = None  # what a voice channel says instead


class MessageDraft(MessageContent):
    """A message that has no place in a conversation yet."""

    sender: Sender
    text: str
    name: str | None = None


class Message(MessageContent):
    id: str
    seq: int
    sender: Sender
    name: str | None
    text: str
    rating: Rating | None = None
    turn: str | None
    at: datetime


class ConversationView(BaseModel):
    id: str
    channel: str
    owner: str
    owner_epoch: int
    elder: bool
    agent_id: str | None
    handoff_reason: str | None
    priority: int
    failures: int
    turn_count: int
    last_seq: int
    customer_read_seq: int
    agent_read_seq: int
    created_at: datetime
    last_activity_at: datetime
    queued_at: datetime | None
    closed_at: datetime | None


class ConversationSummary(ConversationView):
    """A conversation as a line of a list."""

    last_text: str  # the customer's last words
    unread: int  # customer's messages that the agent has not seen


class TurnRecord(BaseModel):
    """Everything known about one turn; see `conversations.models.Turn` for the meaning of each field."""

    id: str
    seq: int
    channel: str
    kind: Literal["text", "pick"] = "text"
    text: str
    audio: str | None = None
    asr_hypothesis: str | None = None
    asr_confidence: float | None = None
    speech: dict[str, Any] = Field(default_factory=dict)
    heard: str | None = None
    intent: str | None = None
    intent_confidence: float | None = None
    intent_ranking: list[dict[str, Any]] = Field(default_factory=list)
    entities: list[dict[str, Any]] = Field(default_factory=list)
    decision: Decision
    kb_confidence: float | None = None
    kb_candidates: list[dict[str, Any]] = Field(default_factory=list)
    article_key: str | None = None
    article_version: int | None = None
    nlu_model: str | None = None
    kb_index: dict[str, Any] = Field(default_factory=dict)
    asr_model: str | None = None
    reply: list[str] = Field(default_factory=list)
    timings_ms: dict[str, float] = Field(default_factory=dict)
    failure: str | None = None
    suppressed: bool = False
    picked_from: str | None = None
    rateable: bool = False
    rating: Rating | None = None
    started_at: datetime
    finished_at: datetime


class OwnershipRecord(BaseModel):
    from_owner: str
    to_owner: str
    reason: str
    actor: str
    note: str
    at: datetime


class ConversationHistory(BaseModel):
    conversation: ConversationView
    messages: list[Message]
    turns: list[TurnRecord]
    ownership: list[OwnershipRecord]
