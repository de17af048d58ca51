"""From the bot to a person and back: the queue as the customer meets it."""

from collections.abc import Awaitable, Callable

from conversations.ownership import Owner
from conversations.service import Conversations, OwnerConflict
from gateway import wording
from gateway.reply import system

AgentsReady = Callable[[], Awaitable[int]]


class Handoff:
    """Queues a conversation for a person, tells the customer where it stands, and takes it out again."""

    def __init__(self, conversations: Conversations, agents_ready: AgentsReady) -> None:
        self._conversations = conversations
        self._agents_ready = agents_ready

    async def request(self, conversation: str, reason: str, actor: str, priority: int = 0) -> bool:
        """Put the conversation into the queue; False when it is there or with a person already."""
        view = await self._conversations.get(conversation)
        if view.owner in (Owner.QUEUED, Owner.HUMAN):
            return False
        lines = [system(await self._queue_text(reason, priority))]
        try:
            return await self._conversations.change_owner(
                conversation, Owner.QUEUED, reason, actor, expected=[Owner.BOT], priority=priority, say=lines
            )
        except OwnerConflict:
            return False  # asked twice at the same instant, or an agent has it by now

    async def _queue_text(self, reason: str, priority: int) -> str:
        ahead = sum(1 for waiting in await self._conversations.waiting() if waiting.priority >= priority)
        text = wording.HANDOFF[reason] + wording.POSITION.format(position=ahead + 1)
        return text if await self._agents_ready() else text + wording.NOBODY_READY

    async def leave(self, conversation: str) -> None:
        """The customer gives up waiting. Raises OwnerConflict when a person has it already."""
        await self._conversations.change_owner(
            conversation, Owner.BOT, "left_queue", "customer", expected=[Owner.QUEUED], say=[system(wording.LEFT_QUEUE)]
        )

    async def positions(self) -> dict[str, int]:
        """Place of every waiting conversation, from 1."""
        return {view.id: place for place, view in enumerate(await self._conversations.waiting(), 1)}

    async def agents_ready(self) -> int:
        return await self._agents_ready()
