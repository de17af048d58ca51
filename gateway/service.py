"""The gateway: everything a channel needs to serve customers."""

from dataclasses import dataclass
from typing import Any

from conversations.ownership import Owner
from conversations.schemas import ArticleRef, ConversationView, Rating
from conversations.service import Conversations
from core.limits import RateLimit
from core.problems import Conflict, Problem, Unavailable
from core.settings import Settings
from core.sockets import Connections, Frame
from gateway import wording
from gateway.handoff import AgentsReady, Handoff
from gateway.reply import system
from gateway.topics import Topics
from gateway.turn import TurnTaker
from gateway.understanding import Rasa
from kb.client import Knowledge

SESSIONS_PER_MINUTE = 600  # of one address; a branch's customers share one


class TooManySessions(Problem):
    code = "too_many_sessions"
    status = 429
    title = "访问太频繁，请稍候再试"
    retry = True


@dataclass(frozen=True)
class Greeting:
    text: str
    topics: list[ArticleRef]

    def as_json(self) -> dict[str, Any]:
        return {"text": self.text, "topics": [topic.model_dump() for topic in self.topics]}


class Gateway:
    def __init__(
        self,
        settings: Settings,
        conversations: Conversations,
        rasa: Rasa,
        knowledge: Knowledge,
        agents_ready: AgentsReady,
    ) -> None:
        self.settings = settings
        self.conversations = conversations
        self.knowledge = knowledge
        self.connections = Connections()
        self._sessions = RateLimit(SESSIONS_PER_MINUTE, 60.0)
        self.handoff = Handoff(conversations, agents_ready)
        self.topics = Topics(conversations, knowledge)
        self.turns = TurnTaker(settings, conversations, rasa, knowledge, self.handoff, self.topics)

    async def start(self, channel: str, elder: bool, address: str) -> tuple[ConversationView, str]:
        """A new conversation and its token. Raises TooManySessions."""
        if not self._sessions.allows(address):
            raise TooManySessions
        return await self.conversations.start(channel, elder)

    async def enter(
        self, token: str | None, channel: str, elder: bool | None, address: str
    ) -> tuple[ConversationView, str]:
        """The customer's conversation by its token, or a new one with a new token. Raises TooManySessions."""
        view = await self.conversations.by_token(token) if token else None
        if view is None or token is None:
            return await self.start(channel, elder or False, address)
        if elder is not None and elder != view.elder and view.owner != Owner.CLOSED:
            await self.conversations.set_elder(view.id, elder)
            view = view.model_copy(update={"elder": elder})
        return view, token

    async def greeting(self, elder: bool) -> Greeting:
        return Greeting(wording.GREETING_ELDER if elder else wording.GREETING, await self.topics.most_asked(elder))

    async def welcome(self, conversation: str, token: str, last_seq: int) -> Frame:
        """The first frame of a tab: where the conversation stands now, and the messages after `last_seq`."""
        view = await self.conversations.get(conversation)
        messages = await self.conversations.messages_after(view.id, last_seq)
        position = (await self.handoff.positions()).get(view.id) if view.owner == Owner.QUEUED else None
        return {
            "type": "welcome",
            "session": view.id,
            "token": token,
            "owner": view.owner,
            "elder": view.elder,
            "agent": await self._agent(view),
            "queue": {"position": position} if position else None,
            "messages": [message.model_dump(mode="json") for message in messages],
            "greeting": (await self.greeting(view.elder)).as_json(),
            "max_chars": self.settings.max_message_chars,
            "read_seq": view.agent_read_seq,
        }

    async def _agent(self, view: ConversationView) -> str | None:
        """The name under which the person who owns the conversation came in."""
        if view.owner != Owner.HUMAN:
            return None
        messages = await self.conversations.messages_after(view.id, 0)
        return next((m.name for m in reversed(messages) if m.sender != "customer" and m.name), None)

    async def question_of(self, key: str) -> str:
        """The standard question of an article: what a customer who picks it has asked. Raises NotFound."""
        try:
            return (await self.knowledge.article(key)).question
        except Unavailable:
            return wording.PICKED  # the turn tells the customer that the knowledge base is down

    async def rate(self, conversation: str, turn: str, rating: Rating) -> None:
        """Store the verdict; failures in a row bring a person."""
        failures = await self.conversations.rate(conversation, turn, rating)
        if rating == "unsolved" and failures >= self.settings.handoff_after_failures:
            try:
                await self.handoff.request(conversation, "unresolved", "bot")
            except Conflict:
                pass  # the conversation ended meanwhile: the verdict is stored, there is nobody to hand over

    async def close(self, conversation: str, reason: str) -> None:
        # Who was idle when looked at may wait for a person by now.
        expected = [Owner.BOT, Owner.HUMAN] if reason == "idle" else []
        await self.conversations.change_owner(
            conversation, Owner.CLOSED, reason, "system" if reason == "idle" else reason, expected=expected,
            say=[system(wording.CLOSED[reason])],
        )  # fmt: skip
