"""What agents do: be ready, take a waiting customer, talk, send articles, give back or end."""

import hashlib

import structlog
from sqlalchemy.orm import Session

from accounts.schemas import UserView
from accounts.service import Accounts
from conversations.events import DeskStaffed
from conversations.ownership import Owner
from conversations.schemas import ArticleRef, ConversationSummary, Message, MessageDraft
from conversations.service import Conversations, OwnerConflict
from core.clock import Clock, utc_now
from core.database import Database
from core.problems import Conflict, Forbidden
from core.sockets import Connections
from desk.repository import PresenceRepository
from desk.schemas import (
    ConversationHead,
    ConversationOnDesk,
    Overview,
    OwnershipOnDesk,
    PresenceState,
    QueueItem,
    TurnOnDesk,
)
from kb.client import Knowledge

log = structlog.get_logger()

CLOSING = "本次人工服务已结束，感谢您的咨询，祝您生活愉快！"
RETURNED = "人工服务已结束，我是智能客服小衡，您可以继续向我提问。"
JOINED = "客服 {agent} 已接入，为您服务。"


class AlreadyTaken(Conflict):
    code = "already_taken"
    title = "该会话已被其他同事接入"


class NotYours(Forbidden):
    code = "not_yours"
    title = "该会话不在您名下"


class Desk:
    def __init__(
        self, database: Database, conversations: Conversations, accounts: Accounts, knowledge: Knowledge,
        clock: Clock = utc_now,
    ) -> None:  # fmt: skip
        self.database = database
        self.conversations = conversations
        self.accounts = accounts
        self.knowledge = knowledge
        self.clock = clock
        self.connections = Connections()  # by agent

    async def agents_ready(self) -> int:
        return await self.database.read(lambda session: PresenceRepository(session).ready())

    async def set_presence(self, user: UserView, state: PresenceState) -> None:
        await self.database.write(lambda session: PresenceRepository(session).set(user.id, state, self.clock()))
        log.info("presence", user=user.username, state=state)
        await self.conversations.bus.publish(DeskStaffed(await self.agents_ready()))

    async def everybody_away(self) -> None:
        """After a start nobody is at the desk until he says so."""
        await self.database.write(lambda session: PresenceRepository(session).all_away(self.clock()))

    async def overview(self, user: UserView) -> Overview:
        def look(session: Session) -> tuple[str, int]:
            presence = PresenceRepository(session)
            return presence.state_of(user.id), presence.ready()

        state, ready = await self.database.read(look)
        return Overview.model_validate(
            {"presence": state, "queue": await self.queue(), "mine": await self.mine(user.id), "agents_ready": ready}
        )

    async def queue(self) -> list[QueueItem]:
        return [self._item(summary, None) for summary in await self.conversations.waiting_summaries()]

    async def mine(self, user: str) -> list[QueueItem]:
        name = await self.accounts.name_of(user)
        return [self._item(summary, name) for summary in await self.conversations.held_by(user)]

    def _item(self, summary: ConversationSummary, agent: str | None) -> QueueItem:
        waiting = (self.clock() - summary.queued_at).total_seconds() if summary.queued_at else 0
        return QueueItem(
            conversation=summary.id, channel=summary.channel, elder=summary.elder, reason=summary.handoff_reason,
            priority=summary.priority, queued_at=summary.queued_at, waiting_seconds=max(0, round(waiting)),
            last_text=summary.last_text, agent=agent, unread=summary.unread,
        )  # fmt: skip

    async def open(self, user: UserView, conversation: str) -> ConversationOnDesk:
        """The whole history with the bot's guesses. A colleague's conversation is not shown to an agent."""
        history = await self.conversations.history(conversation)
        view = history.conversation
        if user.role == "agent" and view.owner == Owner.HUMAN and view.agent_id != user.id:
            raise NotYours
        if view.agent_id != user.id:
            await self.accounts.audit(user.id, "read_conversation", conversation)
        return ConversationOnDesk(
            conversation=ConversationHead(
                id=view.id, channel=view.channel, owner=view.owner, elder=view.elder, created_at=view.created_at,
                agent=await self.accounts.name_of(view.agent_id), reason=view.handoff_reason,
            ),
            messages=history.messages,
            turns=[
                TurnOnDesk(
                    id=turn.id, seq=turn.seq, text=turn.text, decision=turn.decision, intent=turn.intent,
                    confidence=turn.intent_confidence, ranking=turn.intent_ranking, article=turn.article_key,
                    candidates=turn.kb_candidates, rating=turn.rating,
                )
                for turn in history.turns
            ],
            ownership=[
                OwnershipOnDesk(
                    from_=change.from_owner, to=change.to_owner, reason=change.reason, actor=change.actor,
                    note=change.note, at=change.at,
                )
                for change in history.ownership
            ],
        )  # fmt: skip

    async def take(self, user: UserView, conversation: str) -> None:
        """Take a waiting conversation. Raises AlreadyTaken when somebody was faster."""
        name = user.display_name
        joined = MessageDraft(sender="system", name=name, text=JOINED.format(agent=name))
        try:
            await self.conversations.change_owner(
                conversation, Owner.HUMAN, "taken", user.id, agent=(user.id, name),
                expected=[Owner.QUEUED], say=[joined],
            )  # fmt: skip
        except OwnerConflict:
            raise AlreadyTaken from None
        await self.accounts.audit(user.id, "take_conversation", conversation)

    async def say(self, user: UserView, conversation: str, text: str, client_id: str) -> Message:
        draft = MessageDraft(sender="agent", name=user.display_name, text=text)
        return await self._say(user, conversation, draft, client_id)

    async def send_article(self, user: UserView, conversation: str, key: str, client_id: str) -> Message:
        """Send an article of the knowledge base as it is in force now. Raises NotFound or Unavailable."""
        article = await self.knowledge.article(key)
        reference = ArticleRef(key=key, question=article.question, version=article.version)
        draft = MessageDraft(
            sender="agent", name=user.display_name, text=article.text, format="markdown", article=reference
        )
        return await self._say(user, conversation, draft, client_id)

    async def _say(self, user: UserView, conversation: str, draft: MessageDraft, client_id: str) -> Message:
        try:
            return await self.conversations.say(conversation, draft, _client_id(user, client_id), agent=user.id)
        except OwnerConflict:
            raise NotYours from None

    async def give_back(self, user: UserView, conversation: str, note: str) -> None:
        """The bot answers again; the note stays in the record."""
        await self._end(user, conversation, Owner.BOT, "returned", RETURNED, note)

    async def close(self, user: UserView, conversation: str) -> None:
        await self._end(user, conversation, Owner.CLOSED, "agent", CLOSING, "")

    async def _end(self, user: UserView, conversation: str, to: Owner, reason: str, text: str, note: str) -> None:
        said = [MessageDraft(sender="system", text=text)]
        try:
            await self.conversations.change_owner(
                conversation, to, reason, user.id, expected=[Owner.HUMAN], held_by=user.id, say=said, note=note
            )
        except OwnerConflict:
            raise NotYours from None
        await self.accounts.audit(user.id, f"conversation_{reason}", conversation)

    async def typing(self, user: UserView, conversation: str) -> None:
        await self._own(user, conversation)
        await self.conversations.types(conversation, "agent")

    async def read(self, user: UserView, conversation: str, seq: int) -> None:
        await self._own(user, conversation)
        await self.conversations.mark_read(conversation, "agent", seq)

    async def _own(self, user: UserView, conversation: str) -> None:
        view = await self.conversations.get(conversation)
        if view.owner != Owner.HUMAN or view.agent_id != user.id:
            raise NotYours


def _client_id(user: UserView, client_id: str) -> str:
    """An agent's id of his message, apart from the ids that the customer gives to hers."""
    return hashlib.sha256(f"{user.id}.{client_id}".encode()).hexdigest()
