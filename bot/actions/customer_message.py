"""What the actions read from the customer's last message."""

from typing import Any

from rasa_sdk import Tracker


def text_of(tracker: Tracker) -> str:
    return tracker.latest_message.get("text") or ""


def intent_of(tracker: Tracker) -> str:
    """The intent's name; `nlu_fallback` where nothing was understood."""
    return (tracker.latest_message.get("intent") or {}).get("name") or "nlu_fallback"


def channel_of(tracker: Tracker) -> str:
    """The channel the customer uses (web, phone …), as the gateway told it."""
    metadata: dict[str, Any] = tracker.latest_message.get("metadata") or {}
    return str(metadata.get("channel") or "web")


def entity_of(tracker: Tracker, name: str) -> str | None:
    """The value of the first entity of this name in the last message."""
    return next(iter(tracker.get_latest_entity_values(name)), None)
