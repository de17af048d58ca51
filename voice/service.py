"""The voice room: what a channel needs to hold calls."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from asr.engine import StreamingSession, Transcriber
from conversations.schemas import ConversationView
from conversations.service import Conversations
from core.settings import Settings
from voice import events, wording
from voice.activity import Silero, VoiceActivity
from voice.conversation import Call
from voice.front import FrontLine
from voice.line import EndReason, Line
from voice.observation import count
from voice.problems import TooManyCalls
from voice.recordings import Recordings
from voice.synthesis.synthesiser import Synthesiser
from voice.turn_taking import Rules


@dataclass(frozen=True)
class Parts:
    """What runs in other processes or is heavy; tests hand in small fakes."""

    transcriber: Transcriber
    synthesiser: Synthesiser
    activity: Callable[[int], VoiceActivity] = Silero


class Voice:
    def __init__(
        self, settings: Settings, conversations: Conversations, front: FrontLine, parts: Parts, recordings: Recordings
    ) -> None:
        self.settings = settings
        self.conversations = conversations
        self.front = front
        self.parts = parts
        self.recordings = recordings
        self._calls: dict[str, set[Call]] = defaultdict(set)

    def __len__(self) -> int:
        return sum(len(calls) for calls in self._calls.values())

    def session(self, rate: int) -> StreamingSession:
        return self.parts.transcriber.session(rate)

    async def hold(self, view: ConversationView, line: Line, watch: events.Watcher) -> EndReason:
        """One call on this line, from greeting to end. Raises TooManyCalls."""
        if len(self) >= self.settings.voice_calls:
            raise TooManyCalls(f"{len(self)} calls are being held")
        call = Call(
            view.id, line, self.session(line.rate), self.parts.synthesiser, self.parts.activity(line.rate), self.front,
            self.rules(view.elder), self.recordings if self.settings.recording_on else None,
            lambda event: _both(event, watch), wording.GREETING if view.turn_count == 0 else wording.GREETING_AGAIN,
            view.owner,
        )  # fmt: skip
        self._calls[view.id].add(call)
        try:
            return await call.run()
        finally:
            self._calls[view.id].discard(call)
            if not self._calls[view.id]:
                del self._calls[view.id]

    def calls_of(self, conversation: str) -> list[Call]:
        return list(self._calls.get(conversation, ()))

    def rules(self, elder: bool) -> Rules:
        settings = self.settings
        more = 1.5 if elder else 1.0  # older people pause for longer
        return Rules(
            end_of_turn=settings.voice_end_of_turn_seconds * (1.2 if elder else 1.0),
            no_speech=settings.voice_no_speech_seconds * more, barge_in=settings.voice_barge_in_seconds,
        )  # fmt: skip

    async def close(self) -> None:
        for part in (self.parts.transcriber, self.parts.synthesiser):
            if close := getattr(part, "close", None):
                result = close()
                if hasattr(result, "__await__"):
                    await result


def _both(event: events.CallEvent, watch: events.Watcher) -> None:
    count(event)
    watch(event)
