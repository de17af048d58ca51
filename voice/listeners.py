"""What a call is told when others act in its conversation."""

from conversations import events
from core.bus import Bus
from voice.service import Voice


def listen(bus: Bus, voice: Voice) -> None:
    tell = _Tell(voice)
    bus.subscribe(events.MessageAdded, tell.message)
    bus.subscribe(events.ConversationClosed, tell.closed)
    bus.subscribe(events.OwnerChanged, tell.owner)


class _Tell:
    def __init__(self, voice: Voice) -> None:
        self._voice = voice

    async def message(self, event: events.MessageAdded) -> None:
        if event.message.sender in ("agent", "system"):  # the robot's own come with the answer to the turn
            for call in self._voice.calls_of(event.conversation):
                call.tell(event.message)

    async def closed(self, event: events.ConversationClosed) -> None:
        for call in self._voice.calls_of(event.conversation):
            call.end("closed")

    async def owner(self, event: events.OwnerChanged) -> None:
        for call in self._voice.calls_of(event.conversation):
            call.note_owner(event.to_owner)
