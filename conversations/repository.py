"""Queries on conversations. Every change goes through here, under the conversation's row."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from conversations import models
from conversations.ownership import Owner
from conversations.schemas import ConversationView, Message, MessageContent, MessageDraft, OwnershipRecord, TurnRecord

WAITING_ORDER = (models.Conversation.priority.desc(), models.Conversation.queued_at, models.Conversation.id)


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class ConversationRepository:
    """One session's view; the caller commits."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def get(self, conversation: str) -> models.Conversation | None:
        return await self.session.get(models.Conversation, conversation)

    async def locked(self, conversation: str) -> models.Conversation | None:
        """The row, locked against other writers until the transaction ends (SQLite writers queue as a whole)."""
        return await self.session.get(models.Conversation, conversation, with_for_update=True, populate_existing=True)

    async def by_token(self, token: str) -> models.Conversation | None:
        query = select(models.Conversation).where(models.Conversation.token_hash == hash_token(token))
        return (await self.session.scalars(query)).first()

    async def messages_after(self, conversation: str, seq: int, limit: int = 500) -> list[Message]:
        """The newest `limit` messages after `seq`, oldest first, each with its turn's rating."""
        query = (
            select(models.Message, models.Turn.rating)
            .outerjoin(models.Turn, models.Turn.id == models.Message.turn_id)
            .where(models.Message.conversation_id == conversation, models.Message.seq > seq)
            .order_by(models.Message.seq.desc())
            .limit(limit)
        )
        rows = (await self.session.execute(query)).all()
        return [message_view(row, rating) for row, rating in reversed(rows)]

    async def message_by_client_id(self, conversation: str, client_id: str) -> models.Message | None:
        query = select(models.Message).where(
            models.Message.conversation_id == conversation, models.Message.client_id == client_id
        )
        return (await self.session.scalars(query)).first()

    async def messages_of_turn(self, turn: str) -> list[Message]:
        query = select(models.Message).where(models.Message.turn_id == turn).order_by(models.Message.seq)
        return [message_view(row, None) for row in await self.session.scalars(query)]

    async def turn(self, turn: str) -> models.Turn | None:
        return await self.session.get(models.Turn, turn)

    async def turn_of_message(self, conversation: str, seq: int) -> models.Turn | None:
        query = select(models.Turn).where(models.Turn.conversation_id == conversation, models.Turn.seq == seq)
        return (await self.session.scalars(query)).first()

    async def turns(self, conversation: str) -> list[TurnRecord]:
        query = select(models.Turn).where(models.Turn.conversation_id == conversation).order_by(models.Turn.seq)
        return [turn_view(row) for row in await self.session.scalars(query)]

    async def last_reply(self, conversation: str) -> models.Turn | None:
        """The last turn in which the bot said something about an article or a task."""
        query = (
            select(models.Turn)
            .where(models.Turn.conversation_id == conversation, models.Turn.decision.in_(("answer", "task", "clarify")))
            .order_by(models.Turn.seq.desc())
            .limit(1)
        )
        return (await self.session.scalars(query)).first()

    async def ownership(self, conversation: str) -> list[OwnershipRecord]:
        query = (
            select(models.OwnershipChange)
            .where(models.OwnershipChange.conversation_id == conversation)
            .order_by(models.OwnershipChange.id)
        )
        return [OwnershipRecord.model_validate(row, from_attributes=True) for row in await self.session.scalars(query)]

    async def waiting(self) -> list[models.Conversation]:
        """Queued conversations in the order in which they are served."""
        query = select(models.Conversation).where(models.Conversation.owner == Owner.QUEUED).order_by(*WAITING_ORDER)
        return list(await self.session.scalars(query))

    async def held_by(self, agent: str) -> list[models.Conversation]:
        query = (
            select(models.Conversation)
            .where(models.Conversation.owner == Owner.HUMAN, models.Conversation.agent_id == agent)
            .order_by(models.Conversation.last_activity_at.desc())
        )
        return list(await self.session.scalars(query))

    async def idle_since(self, owners: Sequence[Owner], moment: datetime, limit: int = 100) -> list[str]:
        query = (
            select(models.Conversation.id)
            .where(models.Conversation.owner.in_(owners), models.Conversation.last_activity_at < moment)
            .limit(limit)
        )
        return list(await self.session.scalars(query))

    async def last_customer_text(self, conversation: str) -> str:
        query = (
            select(models.Message.text)
            .where(models.Message.conversation_id == conversation, models.Message.sender == "customer")
            .order_by(models.Message.seq.desc())
            .limit(1)
        )
        return await self.session.scalar(query) or ""

    async def unread_by_agent(self, conversation: str, seq: int) -> int:
        query = select(func.count()).where(
            models.Message.conversation_id == conversation,
            models.Message.sender == "customer",
            models.Message.seq > seq,
        )
        return await self.session.scalar(query) or 0

    async def most_asked(self, since: datetime, limit: int) -> list[str]:
        """Keys of the articles most often answered since a moment."""
        query = (
            select(models.Turn.article_key)
            .where(models.Turn.article_key.is_not(None), models.Turn.started_at >= since)
            .group_by(models.Turn.article_key)
            .order_by(func.count().desc(), models.Turn.article_key)
            .limit(limit)
        )
        return [key for key in await self.session.scalars(query) if key]

    def add_message(
        self, conversation: models.Conversation, draft: MessageDraft, message_id: str, at: datetime,
        turn: str | None = None, client_id: str | None = None,
    ) -> Message:  # fmt: skip
        conversation.last_seq += 1
        content = draft.model_dump(mode="json", include=set(MessageContent.model_fields), exclude_defaults=True)
        row = models.Message(
            id=message_id, conversation_id=conversation.id, seq=conversation.last_seq, client_id=client_id,
            turn_id=turn, sender=draft.sender, name=draft.name, text=draft.text, content=content, at=at,
        )  # fmt: skip
        self.session.add(row)
        return message_view(row, None)


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
