"""Banking tasks: the fitting article and the offer of a person."""

import logging
from pathlib import Path
from typing import Any

import yaml
from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from bot.actions.customer_message import channel_of, entity_of, intent_of, text_of
from bot.actions.kb_client import KnowledgeUnavailable, knowledge

logger = logging.getLogger(__name__)

TASK_ARTICLES: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("task_articles.yml").read_text(encoding="utf-8")
)


def articles_of(task: str, card_type: str | None) -> list[str]:
    """The article keys for `task`, those of the named kind of card where the table tells them apart."""
    row = TASK_ARTICLES[task]
    keys: list[str] = row.get("by_card_type", {}).get(card_type, row["articles"])
    return keys


async def search_for_task(task: str, tracker: Tracker) -> dict[str, Any]:
    """The best article: a sure answer from the whole knowledge base, else the best among the task's own articles.

    Raises KnowledgeUnavailable.
    """
    if not TASK_ARTICLES[task].get("own_articles_only"):
        search = await knowledge.search(text_of(tracker), channel_of(tracker))
        if search["decision"] == "answer":
            return search
    within = articles_of(task, entity_of(tracker, "card_type"))
    return await knowledge.search(text_of(tracker), channel_of(tracker), within=within)


class ActionTask(Action):
    """For every banking task: answers with an article and offers a person; fraud goes to a person at once."""

    def name(self) -> str:
        return "action_task"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        task = intent_of(tracker)
        try:
            search = await search_for_task(task, tracker)
            dispatcher.utter_message(
                json_message={"kind": "task", "task": task, "search": search, "offer_person": True}
            )
        except KnowledgeUnavailable as failure:
            logger.error("knowledge base unavailable: %s", failure)
            dispatcher.utter_message(json_message={"kind": "failure", "stage": "kb"})
        if task == "report_fraud":
            dispatcher.utter_message(json_message={"kind": "handoff", "reason": "fraud", "priority": 1})
        return []
