"""Questions: the knowledge base decides whether it answers, asks back or does not recognise them."""

import logging
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from bot.actions.customer_message import channel_of, intent_of, text_of
from bot.actions.kb_client import KnowledgeUnavailable, knowledge

logger = logging.getLogger(__name__)


class ActionAnswer(Action):
    """For `ask_faq`, `nlu_fallback` and `out_of_scope`.

    `out_of_scope` goes here too: the intent model's guess that something is no banking question is less reliable than
    the knowledge base's calibrated decision. The two together refuse, though: a mere "clarify" for what the model
    calls out of scope counts as not recognised.
    """

    def name(self) -> str:
        return "action_answer"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        intent = intent_of(tracker)
        try:
            search = await knowledge.search(text_of(tracker), channel_of(tracker))
        except KnowledgeUnavailable as failure:
            logger.error("knowledge base unavailable: %s", failure)
            dispatcher.utter_message(json_message={"kind": "failure", "stage": "kb"})
            return []
        decision = search["decision"]
        if intent == "out_of_scope" and decision == "clarify":
            decision = "unrecognised"
        dispatcher.utter_message(
            json_message={"kind": "knowledge", "decision": decision, "intent": intent, "search": search}
        )
        return []
