"""Praise, suggestions and insults: a sentence of the domain, and what the gateway shall do with it."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from bot.actions.customer_message import intent_of

# Whoever swears at a robot has usually failed with it: a person is offered, not forced.
OFFERS_PERSON = {"praise": False, "suggest": False, "abuse": True}


class ActionAcknowledge(Action):
    """For `praise`, `suggest` and `abuse`: utters the intent's response; no article, the search is null."""

    def name(self) -> str:
        return "action_acknowledge"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        intent = intent_of(tracker)
        dispatcher.utter_message(response=f"utter_{intent}")
        dispatcher.utter_message(
            json_message={"kind": "task", "task": intent, "search": None, "offer_person": OFFERS_PERSON[intent]}
        )
        return []
