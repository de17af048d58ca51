"""Gateway and voice are rooms of one row: here the turns of calls go through the gateway's one path."""

from conversations.service import Conversations
from gateway.service import Gateway
from gateway.turn import Incoming, Speech
from voice.front import Answer, Said


class SpokenTurns:
    """Implements `voice.front.FrontLine`."""

    def __init__(self, gateway: Gateway, conversations: Conversations) -> None:
        self._gateway = gateway
        self._conversations = conversations

    async def take(self, said: Said) -> Answer:
        speech = Speech(said.audio, said.hypothesis, said.confidence, said.model, said.speech)
        result = await self._gateway.turns.handle_turn(Incoming(
            said.conversation, said.client_id, said.text, said.pick, said.picked_from, said.control,
            speech if said.hypothesis is not None or said.audio else None,
        ))  # fmt: skip
        return Answer(result.turn, result.messages, result.owner, result.control, result.timings_ms)

    async def want_person(self, conversation: str, reason: str) -> None:
        await self._gateway.handoff.request(conversation, reason, "customer" if reason == "asked" else "bot")

    async def heard(self, conversation: str, turn: str, text: str, timings_ms: dict[str, float]) -> None:
        await self._conversations.note_heard(conversation, turn, text, timings_ms)
