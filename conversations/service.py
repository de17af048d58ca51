"""The shared memory of conversations: who owns one, what was said, what the bot did. Facts go out after each commit.

The bot speaks only while it owns the conversation, and that is enforced here: its reply is stored in the same
transaction that checks the owner, so a hand-off at that instant wins and the reply is dropped (and kept in the turn's
record).
"""

import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

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
Result = TypeVar("Result")


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
        await self.database.write(lambda session: session.add(row))
        return conversation_view(row), token

    async def get(self, conversation: str) -> ConversationView:
        return conversation_view(await self._read(lambda memory: _found(memory.get(conversation))))

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
        row = await self._read(lambda memory: memory.by_token(token))
        return conversation_view(row) if row else None

    async def messages_after(self, conversation: str, seq: int) -> list[Message]:
        return await self._read(lambda memory: memory.messages_after(conversation, seq))

    async def history(self, conversation: str) -> ConversationHistory:
        history = await self._read(lambda memory: memory.history(conversation))
        if history is None:
            raise ConversationNotFound
        return history

    async def receive(self, conversation: str, text: str, client_id: str) -> Received:
        """Store what the customer said. A client id that was stored before stores nothing."""

        def store(memory: ConversationRepository) -> tuple[ConversationView, Message]:
            now = self.clock()
            view = memory.advance(conversation, now)
            if view is None:
                _found(memory.get(conversation))
                raise ConversationClosed
            draft = MessageDraft(sender="customer", text=text)
            return view, memory.add_message(conversation, view.last_seq, draft, new_id(), now, client_id=client_id)

        try:
            view, message = await self._write(store)
        except (IntegrityError, ConversationClosed) as error:
            return await self._received_before(conversation, client_id, error)
        await self.bus.publish(events.MessageAdded(conversation, message, client_id))
        return Received(view, message, is_repeat=False)

    async def _received_before(self, conversation: str, client_id: str, error: Exception) -> Received:
        """The message with this client id; raises `error` when there is none."""

        def read(memory: ConversationRepository) -> Received:
            known, row = memory.message_by_client_id(conversation, client_id), memory.get(conversation)
            if known is None or row is None:
                raise error
            return Received(conversation_view(row), message_view(known, None), is_repeat=True)

        return await self._read(read)

    async def finish_turn(
        self, conversation: str, epoch: int, turn: TurnRecord, replies: Sequence[MessageDraft], outcome: Outcome
    ) -> Finished:
        """Store the bot's turn with its replies. When a person took over since `epoch`, nothing is said."""

        def store(memory: ConversationRepository) -> Finished:
            standing = memory.standing(conversation)
            if standing is None:
                raise ConversationNotFound
            if standing.owner != Owner.BOT or standing.owner_epoch != epoch:
                silent = turn.model_copy(update={"suppressed": True, "rateable": False})
                memory.add_turn(conversation, silent)
                return Finished(silent, [], standing.failures)
            now, failures = self.clock(), _failures_after(standing.failures, standing.answer_stands, outcome)
            stands = standing.answer_stands if outcome == "neutral" else outcome == "answered"
            memory.add_turn(conversation, turn)
            memory.count_turn(conversation, standing.last_seq + len(replies), failures, stands, now)
            messages = [
                memory.add_message(conversation, seq, draft, new_id(), now, turn=turn.id)
                for seq, draft in enumerate(replies, standing.last_seq + 1)
            ]
            return Finished(turn, messages, failures)

        finished = await self._write(store)
        facts = [events.MessageAdded(conversation, message) for message in finished.messages]
        await self.bus.publish(*facts, events.TurnFinished(conversation, finished.turn))
        return finished

    async def replay(self, conversation: str, seq: int) -> tuple[TurnRecord | None, list[Message]]:
        """The turn that answered the customer's message `seq`, with its replies."""

        def read(memory: ConversationRepository) -> tuple[TurnRecord | None, list[Message]]:
            row = memory.turn_of_message(conversation, seq)
            return (turn_view(row), memory.messages_of_turn(row.id)) if row else (None, [])

        return await self._read(read)

    async def last_reply(self, conversation: str) -> list[Message]:
        """What the bot said in its last turn with content."""

        def read(memory: ConversationRepository) -> list[Message]:
            row = memory.last_reply(conversation)
            return memory.messages_of_turn(row.id) if row else []

        return await self._read(read)

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
        agent_id, agent_name = agent or (None, None)

        def store(memory: ConversationRepository) -> tuple[Owner, list[Message]] | None:
            row = _found(memory.locked(conversation))
            before = Owner(row.owner)
            if before == to and not expected:
                return None
            if held_by and row.agent_id != held_by:
                raise OwnerConflict("not your conversation")
            if (expected and before not in expected) or to not in ALLOWED_CHANGES[before]:
                raise ConversationClosed if before == Owner.CLOSED else OwnerConflict(f"{before} → {to}")
            now = self.clock()
            _move(row, to, reason, agent_id, priority, now)
            memory.add_ownership_change(conversation, before, to, reason, actor, note, now)
            return before, [_say(memory, row, draft, now) for draft in say]

        changed = await self._write(store)
        if changed is None:
            return False
        before, messages = changed
        facts: list[object] = [events.OwnerChanged(conversation, before, to, reason, agent_id, agent_name)]
        facts += [events.MessageAdded(conversation, message) for message in messages]
        if to == Owner.CLOSED:
            facts.append(events.ConversationClosed(conversation, reason))
        await self.bus.publish(*facts)
        return True

    async def say(
        self, conversation: str, draft: MessageDraft, client_id: str | None = None, *, agent: str | None = None
    ) -> Message:
        """Add a message of an agent or of the system. With `agent`, only while that person owns the conversation."""

        def store(memory: ConversationRepository) -> tuple[Message, bool]:
            row = _found(memory.locked(conversation))
            if agent and (row.owner != Owner.HUMAN or row.agent_id != agent):
                raise OwnerConflict("not your conversation")
            known = memory.message_by_client_id(conversation, client_id) if client_id else None
            if known:
                return message_view(known, None), False
            row.last_activity_at = now = self.clock()
            return _say(memory, row, draft, now, client_id), True

        message, is_new = await self._write(store)
        if is_new:
            await self.bus.publish(events.MessageAdded(conversation, message, client_id))
        return message

    async def note_heard(self, conversation: str, turn: str, heard: str, timings_ms: dict[str, float]) -> None:
        """Store what of a spoken reply the caller has heard so far, and the times of the stages around the turn."""

        def store(memory: ConversationRepository) -> None:
            row = memory.turn(turn)
            if row is None or row.conversation_id != conversation:
                raise TurnNotFound
            row.heard, row.timings_ms = heard, row.timings_ms | timings_ms

        await self._write(store)

    async def rate(self, conversation: str, turn: str, rating: Rating) -> int:
        """Store the customer's verdict on an answer; gives the number of failures in a row."""

        def store(memory: ConversationRepository) -> int:
            row, rated = memory.locked(conversation), memory.turn(turn)
            if row is None or rated is None or rated.conversation_id != conversation or not rated.rateable:
                raise TurnNotFound
            if rating == "unsolved" and rated.rating != "unsolved":
                row.failures, row.answer_stands = row.failures + 1, False
            elif rating == "solved":
                row.failures = 0
            rated.rating, rated.rated_at = rating, self.clock()
            return row.failures

        failures = await self._write(store)
        await self.bus.publish(events.AnswerRated(conversation, turn, rating))
        return failures

    async def set_elder(self, conversation: str, on: bool) -> None:
        def store(memory: ConversationRepository) -> bool:
            row = _found(memory.locked(conversation))
            changed, row.elder = row.elder != on, on
            return changed

        if await self._write(store):
            await self.bus.publish(events.ElderModeChanged(conversation, on))

    async def mark_read(self, conversation: str, reader: str, seq: int) -> None:
        """The reader (customer or agent) has seen everything up to `seq`."""
        field = f"{reader}_read_seq"

        def store(memory: ConversationRepository) -> int | None:
            row = _found(memory.locked(conversation))
            newest = min(seq, row.last_seq)
            if getattr(row, field) >= newest:
                return None
            setattr(row, field, newest)
            return newest

        newest = await self._write(store)
        if newest is not None:
            await self.bus.publish(events.MessagesRead(conversation, reader, newest))

    async def types(self, conversation: str, who: str) -> None:
        """Someone (customer, bot, agent) is writing. Told to those who look on, stored nowhere."""
        await self.bus.publish(events.Typing(conversation, who))

    async def waiting(self) -> list[ConversationView]:
        """The queue in the order in which it is served."""
        return await self._read(lambda memory: [conversation_view(row) for row in memory.waiting()])

    async def waiting_summaries(self) -> list[ConversationSummary]:
        return await self._read(lambda memory: [_summary(memory, row) for row in memory.waiting()])

    async def held_by(self, agent: str) -> list[ConversationSummary]:
        return await self._read(lambda memory: [_summary(memory, row) for row in memory.held_by(agent)])

    async def idle(self, owners: Sequence[Owner], minutes: float) -> list[str]:
        moment = self.clock() - timedelta(minutes=minutes)
        return await self._read(lambda memory: memory.idle_since(owners, moment))

    async def most_asked(self, days: int, limit: int) -> list[str]:
        since = self.clock() - timedelta(days=days)
        return await self._read(lambda memory: memory.most_asked(since, limit))

    async def _read(self, work: Callable[[ConversationRepository], Result]) -> Result:
        return await self.database.read(lambda session: work(ConversationRepository(session)))

    async def _write(self, work: Callable[[ConversationRepository], Result]) -> Result:
        return await self.database.write(lambda session: work(ConversationRepository(session)))


def _found(row: models.Conversation | None) -> models.Conversation:
    if row is None:
        raise ConversationNotFound
    return row


def _say(
    memory: ConversationRepository, row: models.Conversation, draft: MessageDraft, at: datetime,
    client_id: str | None = None,
) -> Message:  # fmt: skip
    row.last_seq += 1
    return memory.add_message(row.id, row.last_seq, draft, new_id(), at, client_id=client_id)


def _summary(memory: ConversationRepository, row: models.Conversation) -> ConversationSummary:
    unread = memory.unread_by_agent(row.id, row.agent_read_seq)
    last_text = memory.last_customer_text(row.id)
    return ConversationSummary(**conversation_view(row).model_dump(), last_text=last_text, unread=unread)


def _failures_after(failures: int, answer_stands: bool, outcome: Outcome) -> int:
    """Failures in a row. An answer that was not called 没解决 before the next turn ends the run."""
    if outcome == "neutral":
        return failures
    return (0 if answer_stands else failures) + (outcome == "failed")


def _move(row: models.Conversation, to: Owner, reason: str, agent: str | None, priority: int, now: datetime) -> None:
    row.owner, row.agent_id, row.last_activity_at = to, agent, now
    row.owner_epoch += 1
    if to == Owner.QUEUED:
        row.queued_at, row.handoff_reason, row.priority = now, reason, max(priority, row.priority)
    if to == Owner.BOT:
        row.queued_at, row.failures, row.answer_stands, row.priority = None, 0, False, 0
    if to == Owner.CLOSED:
        row.closed_at, row.close_reason = now, reason
