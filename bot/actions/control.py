"""Control of the conversation itself: say it again, slower, back to the menu …"""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from bot.actions.customer_message import intent_of

CONTROLS = {
    "repeat": "repeat",
    "slower": "slower",
    "back_to_menu": "menu",
    "cancel": "cancel",
    "elder_mode": "elder_mode",
    "change_language": "language",
}


class ActionControl(Action):
    """Hands the wish to the gateway, which knows what was said last and how this channel can show or say it."""

    def name(self) -> str:
        return "action_control"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        dispatcher.utter_message(json_message={"kind": "control", "control": CONTROLS[intent_of(tracker)]})
        return []
