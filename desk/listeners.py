"""What the agents' pages are told when something happens."""

from conversations import events
from conversations.ownership import Owner
from core.bus import Bus
from core.sockets import Frame
from desk.service import Desk


def listen(bus: Bus, desk: Desk) -> None:
    tell = _Tell(desk)
    bus.subscribe(events.MessageAdded, tell.message)
    bus.subscribe(events.OwnerChanged, tell.owner)
    bus.subscribe(events.AnswerRated, tell.rated)
    bus.subscribe(events.MessagesRead, tell.read)
    bus.subscribe(events.Typing, tell.typing)
    bus.subscribe(events.DeskStaffed, tell.staffed)


class _Tell:
    """A conversation's frames go to the agent who holds it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def _holder(self, conversation: str, frame: Frame) -> bool:
        connections = self._desk.connections
        if not connections:
            return False
        view = await self._desk.conversations.get(conversation)
        if view.agent_id:
            connections.send(view.agent_id, frame)
        return view.owner == Owner.QUEUED

    async def message(self, event: events.MessageAdded) -> None:
        frame: Frame = {"type": "message", "conversation": event.conversation}
        waits = await self._holder(event.conversation, frame | {"message": event.message.model_dump(mode="json")})
        if waits and event.message.sender == "customer":
            await self.queue()

    async def owner(self, event: events.OwnerChanged) -> None:
        connections = self._desk.connections
        frame = {
            "type": "owner",
            "conversation": event.conversation,
            "owner": event.to_owner,
            "agent": event.agent_name,
        }
        connections.send_to_all(connections.topics(), frame)
        if Owner.QUEUED in (event.from_owner, event.to_owner):
            await self.queue()
        if Owner.HUMAN in (event.from_owner, event.to_owner):
            await self.mine()

    async def queue(self) -> None:
        connections = self._desk.connections
        if not connections:
            return
        queue = [item.model_dump(mode="json") for item in await self._desk.queue()]
        frame = {"type": "queue", "queue": queue, "agents_ready": await self._desk.agents_ready()}
        connections.send_to_all(connections.topics(), frame)

    async def staffed(self, _event: events.DeskStaffed) -> None:
        await self.queue()

    async def mine(self) -> None:
        connections = self._desk.connections
        for user in connections.topics():
            mine = [item.model_dump(mode="json") for item in await self._desk.mine(user)]
            connections.send(user, {"type": "mine", "mine": mine})

    async def rated(self, event: events.AnswerRated) -> None:
        frame = {"type": "rated", "conversation": event.conversation, "turn": event.turn, "rating": event.rating}
        await self._holder(event.conversation, frame)

    async def read(self, event: events.MessagesRead) -> None:
        if event.reader == "customer":
            await self._holder(
                event.conversation, {"type": "read", "conversation": event.conversation, "seq": event.seq}
            )

    async def typing(self, event: events.Typing) -> None:
        if event.who == "customer":
            await self._holder(event.conversation, {"type": "typing", "conversation": event.conversation})
