"""The shared memory of conversations: who owns one, what was said, what the bot did. Facts go out after each commit.

The bot speaks only while it owns the conversation, and that is enforced here: its reply is stored in the same
transaction that checks the owner, so a hand-off at that instant wins and the reply is dropped (and kept in the turn's
record).
"""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError

from conversations import events, models
from conversations.ownership import ALLOWED_CHANGES, Owner
from conversations.repository import ConversationRepository, conversation_view, hash_token, message_view, turn_view
from conversations.schemas import (
    ConversationHistory,
    ConversationSummary,
    ConversationView,
    Message,
    MessageDraft,
    Outcome,
    Rating,
    TurnRecord,
)
from core.bus import Bus
from core.clock import Clock, utc_now
from core.database import Database
from core.problems import Conflict, NotFound


class ConversationNotFound(NotFound):
    code = "conversation_not_found"
    title = "会话不存在或已失效"


class ConversationClosed(Conflict):
    code = "conversation_closed"
    title = "会话已结束，请开始新的会话"


class OwnerConflict(Conflict):
    code = "owner_conflict"
    title = "会话状态已变化，请刷新"


class TurnNotFound(NotFound):
    code = "turn_not_found"
    title = "没有这条回答"


REMEMBERED_TOKENS = 20_000


@dataclass(frozen=True)
class Received:
    """A customer's message after it was stored."""

    conversation: ConversationView
    message: Message
    is_repeat: bool  # this client id was stored before


@dataclass(frozen=True)
class Finished:
    """A bot's turn after it was stored."""

    turn: TurnRecord
    messages: list[Message]
    failures: int  # in a row, this turn included


def new_id() -> str:
    return uuid.uuid4().hex


class Conversations:
    def __init__(self, database: Database, bus: Bus, clock: Clock = utc_now) -> None:
        self.database = database
        self.bus = bus
        self.clock = clock
        self._opened: dict[str, str] = {}  # token hash -> conversation, of tokens seen lately

    async def start(self, channel: str, elder: bool) -> tuple[ConversationView, str]:
        """A new conversation with the bot, and the customer's secret token for it."""
        token, now = secrets.token_urlsafe(32), self.clock()
        row = models.Conversation(
            id=new_id(), token_hash=hash_token(token), channel=channel, elder=elder, owner=Owner.BOT, owner_epoch=0,
            last_seq=0, turn_count=0, failures=0, answer_stands=False, customer_read_seq=0, agent_read_seq=0,
            priority=0, source="live",
            created_at=now, last_activity_at=now,
        )  # fmt: skip
        async with self.database.writing() as session:
            session.add(row)
        return conversation_view(row), token

    async def get(self, conversation: str) -> ConversationView:
        async with self.database.reading() as session:
            row = await ConversationRepository(session).get(conversation)
        if row is None:
            raise ConversationNotFound
        return conversation_view(row)

    async def of_customer(self, conversation: str, token: str) -> str:
        """The customer's own way in: gives the conversation's id back when the token opens it.

        Raises ConversationNotFound for a wrong token as for a wrong id. A token never changes its conversation, so a
        verified one is remembered.
        """
        token_hash = hash_token(token)
        opens = self._opened.get(token_hash)
        if opens is None:
            view = await self.by_token(token)
            if view is None:
                raise ConversationNotFound
            if len(self._opened) >= REMEMBERED_TOKENS:
                self._opened.clear()
            opens = self._opened[token_hash] = view.id
        if not secrets.compare_digest(opens.encode(), conversation.encode()):
            raise ConversationNotFound
        return opens

    async def by_token(self, token: str) -> ConversationView | None:
        async with self.database.reading() as session:
            row = await ConversationRepository(session).by_token(token)
        return conversation_view(row) if row else None

    async def messages_after(self, conversation: str, seq: int) -> list[Message]:
        async with self.database.reading() as session:
            return await ConversationRepository(session).messages_after(conversation, seq)

    async def history(self, conversation: str) -> ConversationHistory:
        async with self.database.reading() as session:
            repository = ConversationRepository(session)
            row = await repository.get(conversation)
            if row is None:
                raise ConversationNotFound
            return ConversationHistory(
                conversation=conversation_view(row),
                messages=await repository.messages_after(conversation, 0, limit=2000),
                turns=await repository.turns(conversation),
                ownership=await repository.ownership(conversation),
            )

    async def receive(self, conversation: str, text: str, client_id: str) -> Received:
        """Store what the customer said. A client id that was stored before stores nothing."""
        try:
            async with self.database.writing() as session:
                repository = ConversationRepository(session)
                row = await repository.locked(conversation)
                if row is None:
                    raise ConversationNotFound
                if row.owner == Owner.CLOSED:
                    raise ConversationClosed
                row.last_activity_at = now = self.clock()
                draft = MessageDraft(sender="customer", text=text)
                message = repository.add_message(row, draft, new_id(), now, client_id=client_id)
                view = conversation_view(row)
        except (IntegrityError, ConversationClosed) as error:
            return await self._received_before(conversation, client_id, error)
        await self.bus.publish(events.MessageAdded(conversation, message, client_id))
        return Received(view, message, is_repeat=False)

    async def _received_before(self, conversation: str, client_id: str, error: Exception) -> Received:
        """The message with this client id; raises `error` when there is none."""
        async with self.database.reading() as session:
            repository = ConversationRepository(session)
            known = await repository.message_by_client_id(conversation, client_id)
            row = await repository.get(conversation)
        if known is None or row is None:
            raise error
        return Received(conversation_view(row), message_view(known, None), is_repeat=True)

    async def finish_turn(
        self, conversation: str, epoch: int, turn: TurnRecord, replies: Sequence[MessageDraft], outcome: Outcome
    ) -> Finished:
        """Store the bot's turn with its replies. When a person took over since `epoch`, nothing is said."""
        async with self.database.writing() as session:
            repository = ConversationRepository(session)
            row = await repository.locked(conversation)
            if row is None:
                raise ConversationNotFound
            may_speak = row.owner == Owner.BOT and row.owner_epoch == epoch
            stored = turn if may_speak else turn.model_copy(update={"suppressed": True, "rateable": False})
            session.add(models.Turn(conversation_id=conversation, **stored.model_dump()))
            messages = []
            if may_speak:
                now = self.clock()
                messages = [repository.add_message(row, draft, new_id(), now, turn=turn.id) for draft in replies]
                _count_outcome(row, outcome)
                row.turn_count, row.last_activity_at = row.turn_count + 1, now
            failures = row.failures
        facts = [events.MessageAdded(conversation, message) for message in messages]
        await self.bus.publish(*facts, events.TurnFinished(conversation, stored))
        return Finished(stored, messages, failures)

    async def replay(self, conversation: str, seq: int) -> tuple[TurnRecord | None, list[Message]]:
        """The turn that answered the customer's message `seq`, with its replies."""
        async with self.database.reading() as session:
            repository = ConversationRepository(session)
            row = await repository.turn_of_message(conversation, seq)
            messages = await repository.messages_of_turn(row.id) if row else []
        return (turn_view(row) if row else None), messages

    async def last_reply(self, conversation: str) -> list[Message]:
        """What the bot said in its last turn with content."""
        async with self.database.reading() as session:
            repository = ConversationRepository(session)
            row = await repository.last_reply(conversation)
            return await repository.messages_of_turn(row.id) if row else []

    async def change_owner(
        self, conversation: str, to: Owner, reason: str, actor: str, *, agent: tuple[str, str] | None = None,
        expected: Sequence[Owner] = (), held_by: str | None = None, priority: int = 0,
        say: Sequence[MessageDraft] = (), note: str = "",
    ) -> bool:  # fmt: skip
        """Give the conversation to another owner and say `say` in the same transaction.

        agent: (id, name) of the person who takes it. expected: owners it may have now; anything else raises
        OwnerConflict, as does anybody but `held_by` holding it. Asking for a state that it has already changes
        nothing and gives False.
        """
        async with self.database.writing() as session:
            repository = ConversationRepository(session)
            row = await repository.locked(conversation)
            if row is None:
                raise ConversationNotFound
            before = Owner(row.owner)
            if before == to and not expected:
                return False
            if held_by and row.agent_id != held_by:
                raise OwnerConflict("not your conversation")
            if (expected and before not in expected) or to not in ALLOWED_CHANGES[before]:
                raise ConversationClosed if before == Owner.CLOSED else OwnerConflict(f"{before} → {to}")
            now = self.clock()
            _move(row, to, reason, agent[0] if agent else None, priority, now)
            session.add(models.OwnershipChange(
                conversation_id=conversation, from_owner=before, to_owner=to, reason=reason, actor=actor, note=note,
                at=now,
            ))  # fmt: skip
            messages = [repository.add_message(row, draft, new_id(), now) for draft in say]
        name = agent[1] if agent else None
        facts: list[object] = [events.OwnerChanged(conversation, before, to, reason, agent[0] if agent else None, name)]
        facts += [events.MessageAdded(conversation, message) for message in messages]
        if to == Owner.CLOSED:
            facts.append(events.ConversationClosed(conversation, reason))
        await self.bus.publish(*facts)
        return True

    async def say(
        self, conversation: str, draft: MessageDraft, client_id: str | None = None, *, agent: str | None = None
    ) -> Message:
        """Add a message of an agent or of the system. With `agent`, only while that person owns the conversation."""
        async with self.database.writing() as session:
            repository = ConversationRepository(session)
            row = await repository.locked(conversation)
            if row is None:
                raise ConversationNotFound
            if agent and (row.owner != Owner.HUMAN or row.agent_id != agent):
                raise OwnerConflict("not your conversation")
            known = await repository.message_by_client_id(conversation, client_id) if client_id else None
            if known:
                return message_view(known, None)
            now = self.clock()
            message = repository.add_message(row, draft, new_id(), now, client_id=client_id)
            row.last_activity_at = now
        await self.bus.publish(events.MessageAdded(conversation, message, client_id))
        return message

    async def rate(self, conversation: str, turn: str, rating: Rating) -> int:
        """Store the customer's verdict on an answer; gives the number of failures in a row."""
        async with self.database.writing() as session:
            repository = ConversationRepository(session)
            row, rated = await repository.locked(conversation), await repository.turn(turn)
            if row is None or rated is None or rated.conversation_id != conversation or not rated.rateable:
                raise TurnNotFound
            if rating == "unsolved" and rated.rating != "unsolved":
                row.failures, row.answer_stands = row.failures + 1, False
            elif rating == "solved":
                row.failures = 0
            rated.rating, rated.rated_at = rating, self.clock()
            failures = row.failures
        await self.bus.publish(events.AnswerRated(conversation, turn, rating))
        return failures

    async def set_elder(self, conversation: str, on: bool) -> None:
        async with self.database.writing() as session:
            row = await ConversationRepository(session).locked(conversation)
            if row is None:
                raise ConversationNotFound
            changed, row.elder = row.elder != on, on
        if changed:
            await self.bus.publish(events.ElderModeChanged(conversation, on))

    async def mark_read(self, conversation: str, reader: str, seq: int) -> None:
        """The reader (customer or agent) has seen everything up to `seq`."""
        field = f"{reader}_read_seq"
        async with self.database.writing() as session:
            row = await ConversationRepository(session).locked(conversation)
            if row is None:
                raise ConversationNotFound
            seq = min(seq, row.last_seq)
            if getattr(row, field) >= seq:
                return
            setattr(row, field, seq)
        await self.bus.publish(events.MessagesRead(conversation, reader, seq))

    async def types(self, conversation: str, who: str) -> None:
        """Someone (customer, bot, agent) is writing. Told to those who look on, stored nowhere."""
        await self.bus.publish(events.Typing(conversation, who))

    async def waiting(self) -> list[ConversationView]:
        """The queue in the order in which it is served."""
        async with self.database.reading() as session:
            return [conversation_view(row) for row in await ConversationRepository(session).waiting()]

    async def waiting_summaries(self) -> list[ConversationSummary]:
        async with self.database.reading() as session:
            repository = ConversationRepository(session)
            return [await _summary(repository, row) for row in await repository.waiting()]

    async def held_by(self, agent: str) -> list[ConversationSummary]:
        async with self.database.reading() as session:
            repository = ConversationRepository(session)
            return [await _summary(repository, row) for row in await repository.held_by(agent)]

    async def idle(self, owners: Sequence[Owner], minutes: float) -> list[str]:
        async with self.database.reading() as session:
            moment = self.clock() - timedelta(minutes=minutes)
            return await ConversationRepository(session).idle_since(owners, moment)

    async def most_asked(self, days: int, limit: int) -> list[str]:
        async with self.database.reading() as session:
            return await ConversationRepository(session).most_asked(self.clock() - timedelta(days=days), limit)


async def _summary(repository: ConversationRepository, row: models.Conversation) -> ConversationSummary:
    unread = await repository.unread_by_agent(row.id, row.agent_read_seq)
    last_text = await repository.last_customer_text(row.id)
    return ConversationSummary(**conversation_view(row).model_dump(), last_text=last_text, unread=unread)


def _count_outcome(row: models.Conversation, outcome: Outcome) -> None:
    """An answer that was not called 没解决 before the next turn ends the run of failures."""
    if outcome == "neutral":
        return
    before = 0 if row.answer_stands else row.failures
    row.failures = before + 1 if outcome == "failed" else before
    row.answer_stands = outcome == "answered"


def _move(row: models.Conversation, to: Owner, reason: str, agent: str | None, priority: int, now: datetime) -> None:
    row.owner, row.agent_id, row.last_activity_at = to, agent, now
    row.owner_epoch += 1
    if to == Owner.QUEUED:
        row.queued_at, row.handoff_reason, row.priority = now, reason, max(priority, row.priority)
    if to == Owner.BOT:
        row.queued_at, row.failures, row.answer_stands, row.priority = None, 0, False, 0
    if to == Owner.CLOSED:
        row.closed_at, row.close_reason = now, reason
