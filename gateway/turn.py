"""The one path that every customer turn takes, whatever the channel."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from pydantic import BaseModel

from conversations.ownership import Owner
from conversations.schemas import ArticleRef, ConversationView, Message, MessageDraft, TurnRecord
from conversations.service import Conversations, Finished, new_id
from core.problems import NotFound, Problem, Unavailable
from core.settings import Settings
from gateway import wording
from gateway.handoff import Handoff
from gateway.incoming import asks_plainly_for_a_person, clean, has_words
from gateway.reply import PERSON_BUTTON, Reply, answer_message, bot_text, compose, plain
from gateway.topics import Topics
from gateway.understanding import Rasa, Understanding, understand
from kb.client import Knowledge

log = structlog.get_logger()


CONTROL_ANSWERS = {
    "cancel": wording.CANCELLED, "slower": wording.SLOWER, "language": wording.LANGUAGE, **wording.SPOKEN_CONTROL
}  # fmt: skip


class TurnResult(BaseModel):
    """One turn as the channel and the command line see it."""

    session: str
    seq: int  # of the customer's message
    turn: str | None
    reply: list[str]
    messages: list[Message]
    decision: str
    intent: str | None
    confidence: float | None
    article: str | None
    candidates: list[dict[str, str | float]]
    owner: str
    timings_ms: dict[str, float]
    control: str | None = None  # the command to the robot that the turn was


@dataclass(frozen=True)
class Speech:
    """How a text was heard, when it was spoken. See `conversations.models.Turn` for the fields."""

    audio: str | None
    hypothesis: str | None
    confidence: float | None
    model: str | None
    facts: dict[str, Any]


@dataclass(frozen=True)
class Incoming:
    """What one customer sent: a text, or the article picked from a list."""

    conversation: str
    client_id: str  # the sender's own id of this message; sent twice it is taken once
    text: str
    pick: str | None = None
    picked_from: str | None = None  # the turn whose list was shown
    control: str | None = None  # a command to the robot that the channel knows already; see wording.CONTROL
    speech: Speech | None = None


class TurnTaker:
    """Takes turns; one at a time in each conversation, any number of conversations at once."""

    def __init__(
        self, settings: Settings, conversations: Conversations, rasa: Rasa, knowledge: Knowledge, handoff: Handoff,
        topics: Topics,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._conversations = conversations
        self._rasa = rasa
        self._knowledge = knowledge
        self._handoff = handoff
        self._topics = topics
        self._locks = _Locks()

    async def handle_turn(self, incoming: Incoming) -> TurnResult:
        """Store, understand, decide, answer. Raises Problem for bad input; a failing stage ends in an honest reply."""
        text = clean(incoming.text, self._settings.max_message_chars)
        async with self._locks.of(incoming.conversation):
            started = time.perf_counter()
            received = await self._conversations.receive(incoming.conversation, text, incoming.client_id)
            if received.is_repeat and (known := await self._replay(received.conversation, received.message)):
                return known
            if received.conversation.owner != Owner.BOT:
                return _silent(received.conversation, received.message)
            turn = _Turn(received.conversation, received.message, started, self._conversations.clock())
            turn.mark("receive")
            await self._conversations.types(incoming.conversation, "bot")
            reply, understood = await self._think(turn, incoming, text)
            return await self._finish(turn, incoming, reply, understood)

    async def _think(self, turn: "_Turn", incoming: Incoming, text: str) -> tuple[Reply, Understanding]:
        if incoming.pick:
            return await self._picked(incoming.pick, turn.conversation.elder)
        if incoming.control:
            return await self._control(turn.conversation, Reply("social", [], "neutral", control=incoming.control)), (
                Understanding("social", control=incoming.control)
            )
        if asks_plainly_for_a_person(text):
            understood = Understanding("handoff", handoff_reason="asked", intent="ask_human", confidence=1.0)
        elif not has_words(text):
            return Reply("unrecognised", [bot_text(wording.NO_WORDS, [PERSON_BUTTON])], "neutral"), Understanding(
                "social"
            )
        else:
            view = turn.conversation
            sender = f"{view.id}.{view.owner_epoch}.{view.turn_count // self._settings.rasa_session_turns}"
            understood = await understand(
                self._rasa, self._knowledge, sender, turn.message.id, text, view.channel, view.elder
            )
        reply = compose(understood, turn.conversation.elder)
        if reply.control:
            reply = await self._control(turn.conversation, reply)
        return reply, understood

    async def _picked(self, key: str, elder: bool) -> tuple[Reply, Understanding]:
        try:
            article = await self._knowledge.article(key)
        except NotFound:
            return Reply("unrecognised", [bot_text(wording.UNRECOGNISED, [PERSON_BUTTON])], "failed"), Understanding(
                "knowledge"
            )
        except Unavailable:
            understood = Understanding("failure", failure="kb")
            return compose(understood, elder), understood
        return Reply("answer", [answer_message(article, elder)], "answered", article=article), Understanding(
            "knowledge"
        )

    async def _control(self, view: ConversationView, reply: Reply) -> Reply:
        """Commands to the robot itself that need more than words."""
        drafts = reply.drafts
        if reply.control == "repeat":
            drafts = await self._last_words(view)
        elif reply.control == "menu":
            drafts = [bot_text(wording.MENU).model_copy(update={"candidates": await self._menu(view)})]
        elif reply.control == "elder_mode":
            await self._conversations.set_elder(view.id, True)
            drafts = [bot_text(wording.ELDER_ON, [PERSON_BUTTON])]
        elif reply.control in CONTROL_ANSWERS and not drafts:
            drafts = [bot_text(CONTROL_ANSWERS[reply.control], [PERSON_BUTTON])]
        return Reply("social", drafts, "neutral", control=reply.control)

    async def _last_words(self, view: ConversationView) -> list[MessageDraft]:
        said = await self._conversations.last_reply(view.id)
        again = [MessageDraft.model_validate(m.model_dump(include=set(MessageDraft.model_fields))) for m in said]
        # Rated once is enough: the repeated answer carries no second rating.
        return [draft.model_copy(update={"rateable": False}) for draft in again] or [
            bot_text(wording.NOTHING_TO_REPEAT)
        ]

    async def _menu(self, view: ConversationView) -> list[ArticleRef]:
        return await self._topics.most_asked(view.elder)

    async def _finish(self, turn: "_Turn", incoming: Incoming, reply: Reply, understood: Understanding) -> TurnResult:
        turn.mark("understand")
        record = turn.record(incoming, reply, understood, self._conversations.clock())
        finished = await self._conversations.finish_turn(
            turn.conversation.id, turn.conversation.owner_epoch, record, reply.drafts, reply.outcome
        )
        messages, owner = finished.messages, turn.conversation.owner
        if finished.turn.suppressed or await self._hand_off_if_due(turn.conversation.id, reply, finished):
            owner = (await self._conversations.get(turn.conversation.id)).owner
            since = await self._conversations.messages_after(turn.conversation.id, turn.message.seq)
            messages = [message for message in since if message.sender in ("bot", "system")]
        turn.mark("store")
        log.info("turn", conversation=turn.conversation.id, decision=reply.decision, intent=understood.intent,
                 article=record.article_key, failure=understood.failure, suppressed=finished.turn.suppressed,
                 ms=round(turn.timings["total"]))  # fmt: skip
        result = _result(turn.conversation.id, finished.turn, messages, owner, turn.timings)
        return result.model_copy(update={"control": reply.control}) if reply.control else result

    async def _hand_off_if_due(self, conversation: str, reply: Reply, finished: Finished) -> bool:
        """Queue for a person when the turn asks for it; True when the conversation may have changed hands."""
        try:
            if reply.handoff_reason:
                await self._handoff.request(conversation, reply.handoff_reason, "customer", reply.handoff_priority)
            elif reply.outcome == "failed" and finished.failures >= self._settings.handoff_after_failures:
                reason = "failure" if finished.turn.failure else "unrecognised"
                await self._handoff.request(conversation, reason, "bot")
            else:
                return False
        except Problem as problem:  # closed or taken at this very moment: whoever did it has spoken to the customer
            log.info("hand-off not needed any more", conversation=conversation, problem=problem.code)
        return True

    async def _replay(self, view: ConversationView, message: Message) -> TurnResult | None:
        """The result of a message that came twice; None when its first coming was cut off before it was answered."""
        turn, messages = await self._conversations.replay(view.id, message.seq)
        if turn is None:
            return None
        return _result(view.id, turn, messages, view.owner, turn.timings_ms)


class _Turn:
    """A turn in the making: where it belongs and how long each stage took."""

    def __init__(self, conversation: ConversationView, message: Message, started: float, at: datetime) -> None:
        self.conversation = conversation
        self.message = message
        self.timings: dict[str, float] = {}
        self._started = self._marked = started
        self._at = at

    def mark(self, stage: str) -> None:
        now = time.perf_counter()
        self.timings[stage] = round((now - self._marked) * 1000, 2)
        self.timings["total"] = round((now - self._started) * 1000, 2)
        self._marked = now

    def record(self, incoming: Incoming, reply: Reply, understood: Understanding, now: datetime) -> TurnRecord:
        search = understood.search
        candidates = [c.model_dump() for c in search.candidates] if search else []
        self.timings |= understood.timings_ms
        speech = incoming.speech
        return TurnRecord(
            id=new_id(),
            seq=self.message.seq,
            channel=self.conversation.channel,
            kind="pick" if incoming.pick else "text",
            text=self.message.text,
            audio=speech.audio if speech else None,
            asr_hypothesis=speech.hypothesis if speech else None,
            asr_confidence=speech.confidence if speech else None,
            asr_model=speech.model if speech else None,
            speech=speech.facts if speech else {},
            intent=understood.intent,
            intent_confidence=understood.confidence,
            intent_ranking=understood.ranking,
            entities=understood.entities,
            decision=reply.decision,
            kb_confidence=search.confidence if search else None,
            kb_candidates=candidates,
            article_key=reply.article.key if reply.article else None,
            article_version=reply.article.version if reply.article else None,
            nlu_model=understood.model,
            kb_index=search.index if search else {},
            reply=[plain(draft) for draft in reply.drafts],
            timings_ms=dict(self.timings),
            failure=understood.failure,
            picked_from=incoming.picked_from,
            rateable=reply.rateable,
            started_at=self._at,
            finished_at=now,
        )


def _silent(view: ConversationView, message: Message) -> TurnResult:
    """A person owns the conversation: the message is with the desk, the bot says nothing."""
    return TurnResult(
        session=view.id, seq=message.seq, turn=None, reply=[], messages=[], decision="silent", intent=None,
        confidence=None, article=None, candidates=[], owner=view.owner, timings_ms={},
    )  # fmt: skip


def _result(
    session: str, turn: TurnRecord, messages: list[Message], owner: str, timings: dict[str, float]
) -> TurnResult:
    return TurnResult(
        session=session,
        seq=turn.seq,
        turn=turn.id,
        reply=[plain(message) for message in messages],
        messages=messages,
        decision="silent" if turn.suppressed else turn.decision,
        intent=turn.intent,
        confidence=turn.intent_confidence,
        article=turn.article_key,
        candidates=[{"key": c["key"], "score": c["score"]} for c in turn.kb_candidates],
        owner=owner,
        timings_ms=timings,
    )


class _Locks:
    """A lock for each conversation that is in use, and none for the others."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def of(self, key: str) -> AsyncIterator[None]:
        lock, users = self._locks.get(key, (asyncio.Lock(), 0))
        self._locks[key] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks[key]
            if users == 1:
                del self._locks[key]
            else:
                self._locks[key] = (lock, users - 1)
