"""Rasa's memory of the conversations: in this process, bounded, and without copying them at every turn."""

import logging
import os
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted
from rasa.shared.core.trackers import DialogueStateTracker

logger = logging.getLogger(__name__)

# The longest quiet conversation is forgotten first. Nothing is lost with it: turns are stored by the gateway. One of
# 30 turns takes 0.3 MB.
DEFAULT_CONVERSATIONS = 500


class RecentConversations(TrackerStore):
    """Keeps the live trackers of the most recent conversations.

    Rasa's stores serialise the whole conversation after each turn and replay it before the next: work that grows with
    its length and that nobody here needs, because the gateway stores each turn and a restart may forget.
    Rasa locks each conversation while it takes a turn, so that sharing the live tracker is safe.
    """

    def __init__(
        self,
        domain: Domain | None = None,
        event_broker: EventBroker | None = None,
        conversations: int | None = None,
        **kwargs: Any,
    ) -> None:
        """`conversations` is how many are kept (TELLER_RASA_CONVERSATIONS, else 500)."""
        kept = conversations or os.environ.get("TELLER_RASA_CONVERSATIONS") or DEFAULT_CONVERSATIONS
        self._limit = int(kept)
        self._trackers: OrderedDict[str, DialogueStateTracker] = OrderedDict()
        super().__init__(domain or Domain.empty(), event_broker)

    async def save(self, tracker: DialogueStateTracker) -> None:
        await self.stream_events(tracker)
        self._trackers[tracker.sender_id] = tracker
        self._trackers.move_to_end(tracker.sender_id)
        while len(self._trackers) > self._limit:
            self._trackers.popitem(last=False)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """The live tracker; None for an unknown conversation and for one whose last turn broke off.

        A tracker left in mid-turn does not wait for the customer, and no rule would ever match again.
        """
        tracker = self._trackers.get(sender_id)
        if tracker is None or not _waits_for_customer(tracker):
            return None
        return tracker

    async def keys(self) -> Iterable[str]:
        return list(self._trackers)


def _waits_for_customer(tracker: DialogueStateTracker) -> bool:
    if not tracker.events:
        return True
    last = tracker.events[-1]
    return isinstance(last, ActionExecuted) and last.action_name == ACTION_LISTEN_NAME
