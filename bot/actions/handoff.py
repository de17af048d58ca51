"""The customer asks for a person."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher


class ActionHandoff(Action):
    """For `ask_human`. Only says that a person is asked for: who owns the conversation is the gateway's to decide."""

    def name(self) -> str:
        return "action_handoff"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        dispatcher.utter_message(json_message={"kind": "handoff", "reason": "asked", "priority": 0})
        return []
