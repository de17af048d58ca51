"""What the customer's tabs are told when something happens in their conversation."""

from conversations import events
from conversations.ownership import Owner
from core.bus import Bus
from gateway.service import Gateway


def listen(bus: Bus, gateway: Gateway) -> None:
    tell = _Tell(gateway)
    bus.subscribe(events.MessageAdded, tell.message)
    bus.subscribe(events.OwnerChanged, tell.owner)
    bus.subscribe(events.AnswerRated, tell.rated)
    bus.subscribe(events.MessagesRead, tell.read)
    bus.subscribe(events.ElderModeChanged, tell.elder)
    bus.subscribe(events.ConversationClosed, tell.closed)
    bus.subscribe(events.Typing, tell.typing)
    bus.subscribe(events.DeskStaffed, tell.staffed)


class _Tell:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._send = gateway.connections.send

    async def message(self, event: events.MessageAdded) -> None:
        if event.message.sender == "customer" and event.client_id:
            self._send(event.conversation, {"type": "ack", "id": event.client_id, "seq": event.message.seq})
        self._send(event.conversation, {"type": "message", "message": event.message.model_dump(mode="json")})

    async def owner(self, event: events.OwnerChanged) -> None:
        self._send(event.conversation, {"type": "owner", "owner": event.to_owner, "agent": event.agent_name})
        if Owner.QUEUED in (event.from_owner, event.to_owner):
            await self.queue()

    async def queue(self) -> None:
        """Every waiting customer's place, anew."""
        ready = await self._gateway.handoff.agents_ready()
        for conversation, position in (await self._gateway.handoff.positions()).items():
            self._send(conversation, {"type": "queue", "position": position, "agents_ready": ready})

    async def staffed(self, _event: events.DeskStaffed) -> None:
        await self.queue()

    async def rated(self, event: events.AnswerRated) -> None:
        self._send(event.conversation, {"type": "rated", "turn": event.turn, "rating": event.rating})

    async def read(self, event: events.MessagesRead) -> None:
        if event.reader == "agent":
            self._send(event.conversation, {"type": "read", "seq": event.seq})

    async def elder(self, event: events.ElderModeChanged) -> None:
        self._send(event.conversation, {"type": "elder", "on": event.on})

    async def closed(self, event: events.ConversationClosed) -> None:
        self._send(event.conversation, {"type": "closed", "reason": event.reason})

    async def typing(self, event: events.Typing) -> None:
        if event.who != "customer":
            self._send(event.conversation, {"type": "typing", "who": event.who})
