"""Queries on conversations. Every change goes through here, under the conversation's row."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.orm import Session

from conversations import models, statements
from conversations.ownership import Owner
from conversations.schemas import (
    ConversationHistory,
    ConversationView,
    Message,
    MessageContent,
    MessageDraft,
    OwnershipRecord,
    TurnRecord,
)

CONTENT = set(MessageContent.model_fields)
WAITING_ORDER = (models.Conversation.priority.desc(), models.Conversation.queued_at, models.Conversation.id)


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class ConversationRepository:
    """One session's view; the caller commits."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def get(self, conversation: str) -> models.Conversation | None:
        return self.session.get(models.Conversation, conversation)

    def locked(self, conversation: str) -> models.Conversation | None:
        """The row, locked against other writers until the transaction ends (SQLite writers queue as a whole)."""
        return self.session.get(models.Conversation, conversation, with_for_update=True, populate_existing=True)

    def by_token(self, token: str) -> models.Conversation | None:
        query = select(models.Conversation).where(models.Conversation.token_hash == hash_token(token))
        return (self.session.scalars(query)).first()

    def messages_after(self, conversation: str, seq: int, limit: int = 500) -> list[Message]:
        """The newest `limit` messages after `seq`, oldest first, each with its turn's rating."""
        query = (
            select(models.Message, models.Turn.rating)
            .outerjoin(models.Turn, models.Turn.id == models.Message.turn_id)
            .where(models.Message.conversation_id == conversation, models.Message.seq > seq)
            .order_by(models.Message.seq.desc())
            .limit(limit)
        )
        rows = (self.session.execute(query)).all()
        return [message_view(row, rating) for row, rating in reversed(rows)]

    def message_by_client_id(self, conversation: str, client_id: str) -> models.Message | None:
        query = select(models.Message).where(
            models.Message.conversation_id == conversation, models.Message.client_id == client_id
        )
        return (self.session.scalars(query)).first()

    def messages_of_turn(self, turn: str) -> list[Message]:
        query = select(models.Message).where(models.Message.turn_id == turn).order_by(models.Message.seq)
        return [message_view(row, None) for row in self.session.scalars(query)]

    def turn(self, turn: str) -> models.Turn | None:
        return self.session.get(models.Turn, turn)

    def turn_of_message(self, conversation: str, seq: int) -> models.Turn | None:
        query = select(models.Turn).where(models.Turn.conversation_id == conversation, models.Turn.seq == seq)
        return (self.session.scalars(query)).first()

    def turns(self, conversation: str) -> list[TurnRecord]:
        query = select(models.Turn).where(models.Turn.conversation_id == conversation).order_by(models.Turn.seq)
        return [turn_view(row) for row in self.session.scalars(query)]

    def last_reply(self, conversation: str) -> models.Turn | None:
        """The last turn in which the bot said something about an article or a task."""
        query = (
            select(models.Turn)
            .where(models.Turn.conversation_id == conversation, models.Turn.decision.in_(("answer", "task", "clarify")))
            .order_by(models.Turn.seq.desc())
            .limit(1)
        )
        return (self.session.scalars(query)).first()

    def ownership(self, conversation: str) -> list[OwnershipRecord]:
        query = (
            select(models.OwnershipChange)
            .where(models.OwnershipChange.conversation_id == conversation)
            .order_by(models.OwnershipChange.id)
        )
        return [OwnershipRecord.model_validate(row, from_attributes=True) for row in self.session.scalars(query)]

    def history(self, conversation: str) -> ConversationHistory | None:
        """Everything kept of one conversation."""
        row = self.get(conversation)
        return (
            None
            if row is None
            else ConversationHistory(
                conversation=conversation_view(row),
                messages=self.messages_after(conversation, 0, limit=2000),
                turns=self.turns(conversation),
                ownership=self.ownership(conversation),
            )
        )

    def waiting(self) -> list[models.Conversation]:
        """Queued conversations in the order in which they are served."""
        query = select(models.Conversation).where(models.Conversation.owner == Owner.QUEUED).order_by(*WAITING_ORDER)
        return list(self.session.scalars(query))

    def held_by(self, agent: str) -> list[models.Conversation]:
        query = (
            select(models.Conversation)
            .where(models.Conversation.owner == Owner.HUMAN, models.Conversation.agent_id == agent)
            .order_by(models.Conversation.last_activity_at.desc())
        )
        return list(self.session.scalars(query))

    def idle_since(self, owners: Sequence[Owner], moment: datetime, limit: int = 100) -> list[str]:
        query = (
            select(models.Conversation.id)
            .where(models.Conversation.owner.in_(owners), models.Conversation.last_activity_at < moment)
            .limit(limit)
        )
        return list(self.session.scalars(query))

    def last_customer_text(self, conversation: str) -> str:
        query = (
            select(models.Message.text)
            .where(models.Message.conversation_id == conversation, models.Message.sender == "customer")
            .order_by(models.Message.seq.desc())
            .limit(1)
        )
        return self.session.scalar(query) or ""

    def unread_by_agent(self, conversation: str, seq: int) -> int:
        query = select(func.count()).where(
            models.Message.conversation_id == conversation,
            models.Message.sender == "customer",
            models.Message.seq > seq,
        )
        return self.session.scalar(query) or 0

    def most_asked(self, since: datetime, limit: int) -> list[str]:
        """Keys of the articles most often answered since a moment."""
        query = (
            select(models.Turn.article_key)
            .where(models.Turn.article_key.is_not(None), models.Turn.started_at >= since)
            .group_by(models.Turn.article_key)
            .order_by(func.count().desc(), models.Turn.article_key)
            .limit(limit)
        )
        return [key for key in self.session.scalars(query) if key]

    def advance(self, conversation: str, at: datetime) -> ConversationView | None:
        """Take the next sequence number for the customer; None when there is no such conversation or it is closed."""
        row = self._connection.execute(statements.ADVANCE, {"conversation": conversation, "at": at}).first()
        return ConversationView.model_validate(row, from_attributes=True) if row else None

    def standing(self, conversation: str) -> Row[str, int, int, int, bool] | None:
        """owner, owner_epoch, last_seq, failures, answer_stands; locked as by `locked`."""
        return self._connection.execute(statements.STANDING, {"conversation": conversation}).first()

    def count_turn(self, conversation: str, last_seq: int, failures: int, answer_stands: bool, at: datetime) -> None:
        """The bot has taken a turn, whose last message is number `last_seq`."""
        change = {"newest": last_seq, "in_a_row": failures, "stands": answer_stands, "at": at}
        self._connection.execute(statements.COUNT_TURN, {"conversation": conversation, **change})

    def add_turn(self, conversation: str, turn: TurnRecord) -> None:
        self._connection.execute(statements.ADD_TURN, {"conversation_id": conversation, **turn.model_dump()})

    def add_message(
        self, conversation: str, seq: int, draft: MessageDraft, message_id: str, at: datetime,
        turn: str | None = None, client_id: str | None = None,
    ) -> Message:  # fmt: skip
        content = draft.model_dump(mode="json", include=CONTENT, exclude_defaults=True)
        row = {
            "id": message_id, "conversation_id": conversation, "seq": seq, "client_id": client_id, "turn_id": turn,
            "sender": draft.sender, "name": draft.name, "text": draft.text, "content": content, "at": at,
        }  # fmt: skip
        self._connection.execute(statements.ADD_MESSAGE, row)
        return Message(**draft.model_dump(), id=message_id, seq=seq, turn=turn, at=at)

    def add_ownership_change(
        self, conversation: str, before: Owner, to: Owner, reason: str, actor: str, note: str, at: datetime
    ) -> None:
        self.session.add(models.OwnershipChange(
            conversation_id=conversation, from_owner=before, to_owner=to, reason=reason, actor=actor, note=note, at=at,
        ))  # fmt: skip

    @cached_property
    def _connection(self) -> Connection:
        return self.session.connection()


def message_view(row: models.Message, rating: str | None) -> Message:
    return Message.model_validate(
        row.content
        | {"id": row.id, "seq": row.seq, "sender": row.sender, "name": row.name, "text": row.text, "turn": row.turn_id}
        | {"at": row.at, "rating": rating if row.content.get("rateable") else None}
    )


def conversation_view(row: models.Conversation) -> ConversationView:
    return ConversationView.model_validate(row, from_attributes=True)


def turn_view(row: models.Turn) -> TurnRecord:
    return TurnRecord.model_validate(row, from_attributes=True)
