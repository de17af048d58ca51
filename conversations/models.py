"""What is kept of every conversation.

Its messages, the bot's turns with all their evidence, and each change of owner.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from conversations.ownership import Owner
from core.database import Base


class Conversation(Base):
    __tablename__ = "conversations"
    __table_args__ = (Index("ix_conversations_owner_last_activity", "owner", "last_activity_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    token_hash: Mapped[str] = mapped_column(
        String(64), index=True
    )  # SHA-256; the token itself is with the customer alone
    channel: Mapped[str] = mapped_column(String(16))
    elder: Mapped[bool] = mapped_column(default=False)
    owner: Mapped[str] = mapped_column(String(8), default=Owner.BOT)
    owner_epoch: Mapped[int] = mapped_column(default=0)  # grows with every change of owner
    agent_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    last_seq: Mapped[int] = mapped_column(default=0)
    turn_count: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)  # 没解决 or not recognised, in a row
    answer_stands: Mapped[bool] = mapped_column(default=False)  # the last answer was not called 没解决 (so far)
    customer_read_seq: Mapped[int] = mapped_column(default=0)
    agent_read_seq: Mapped[int] = mapped_column(default=0)
    handoff_reason: Mapped[str | None] = mapped_column(String(16))
    priority: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    last_activity_at: Mapped[datetime]
    queued_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    close_reason: Mapped[str | None] = mapped_column(String(16))
    source: Mapped[str] = mapped_column(String(16), default="live")  # or "import"


class Message(Base):
    """One thing shown in the conversation. `seq` orders them; the page de-duplicates by it."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("conversation_id", "seq", name="uq_messages_conversation_seq"),
        UniqueConstraint("conversation_id", "client_id", name="uq_messages_conversation_client"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    seq: Mapped[int]
    client_id: Mapped[str | None] = mapped_column(String(64))  # the sender's own id, against repeats
    turn_id: Mapped[str | None] = mapped_column(String(32), index=True)
    sender: Mapped[str] = mapped_column(String(8))  # customer, bot, agent, system
    name: Mapped[str | None] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)
    content: Mapped[dict[str, Any]] = mapped_column(
        default=dict
    )  # format, buttons, article, candidates, related, rateable
    at: Mapped[datetime]


class Turn(Base):
    """One customer turn that the bot took, whole.

    What came in, what was understood, found, decided and said, and how long it took.
    """

    __tablename__ = "turns"
    __table_args__ = (Index("ix_turns_conversation_seq", "conversation_id", "seq"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    seq: Mapped[int]  # of the customer's message
    channel: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(8))  # text, pick
    text: Mapped[str] = mapped_column(Text)
    audio: Mapped[str | None] = mapped_column(String(255))  # reference into the recording store
    asr_hypothesis: Mapped[str | None] = mapped_column(Text)
    asr_confidence: Mapped[float | None]
    speech: Mapped[dict[str, Any]] = mapped_column(default=dict)  # words with times, partials, alternatives, length
    heard: Mapped[str | None] = mapped_column(Text)  # what of a spoken reply came out before it was interrupted
    intent: Mapped[str | None] = mapped_column(String(64), index=True)
    intent_confidence: Mapped[float | None]
    intent_ranking: Mapped[list[Any]] = mapped_column(default=list)
    entities: Mapped[list[Any]] = mapped_column(default=list)
    decision: Mapped[str] = mapped_column(String(16), index=True)
    kb_confidence: Mapped[float | None]
    kb_candidates: Mapped[list[Any]] = mapped_column(default=list)
    article_key: Mapped[str | None] = mapped_column(String(64), index=True)
    article_version: Mapped[int | None]
    nlu_model: Mapped[str | None] = mapped_column(String(128))
    kb_index: Mapped[dict[str, Any]] = mapped_column(default=dict)
    asr_model: Mapped[str | None] = mapped_column(String(128))
    reply: Mapped[list[Any]] = mapped_column(default=list)
    timings_ms: Mapped[dict[str, Any]] = mapped_column(default=dict)
    failure: Mapped[str | None] = mapped_column(String(32))  # the stage that did not answer
    suppressed: Mapped[bool] = mapped_column(default=False)  # a person took over while the bot was thinking
    picked_from: Mapped[str | None] = mapped_column(String(32))  # the turn whose list was picked from
    rateable: Mapped[bool] = mapped_column(default=False)
    rating: Mapped[str | None] = mapped_column(String(8))  # solved, unsolved
    rated_at: Mapped[datetime | None]
    started_at: Mapped[datetime] = mapped_column(index=True)
    finished_at: Mapped[datetime]


class OwnershipChange(Base):
    __tablename__ = "ownership_changes"

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    from_owner: Mapped[str] = mapped_column(String(8))
    to_owner: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str] = mapped_column(String(16))
    actor: Mapped[str] = mapped_column(String(40))  # customer, bot, system or a user's id
    note: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]
