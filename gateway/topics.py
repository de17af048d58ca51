"""The questions shown in the greeting: the most asked of the last weeks, filled up with a declared few."""

import time
from collections.abc import Sequence

from conversations.schemas import ArticleRef
from conversations.service import Conversations
from core.problems import NotFound, Problem
from kb.client import Knowledge

DAYS = 28
SHOWN = 6
SHOWN_ELDER = 3
REFRESH_SECONDS = 300.0

# Asked most at any bank; used until customers have asked enough themselves.
USUAL = ["transfer.limit", "credit.bill_check", "debit.lost", "account.update_phone", "ebank.login_forgot",
         "account.statement"]  # fmt: skip
USUAL_ELDER = ["life.pension", "account.password_reset", "debit.lost"]


class Topics:
    def __init__(self, conversations: Conversations, knowledge: Knowledge) -> None:
        self._conversations = conversations
        self._knowledge = knowledge
        self._shown: dict[bool, list[ArticleRef]] = {}
        self._until = 0.0

    async def most_asked(self, elder: bool) -> list[ArticleRef]:
        """Six topics, three in elder mode; fewer when the knowledge base does not answer."""
        if time.monotonic() >= self._until:
            await self._refresh()
        return self._shown.get(elder, [])

    async def _refresh(self) -> None:
        asked = await self._conversations.most_asked(DAYS, SHOWN)
        try:
            self._shown = {
                False: await self._references([*asked, *USUAL], SHOWN),
                True: await self._references([*USUAL_ELDER, *asked], SHOWN_ELDER),
            }
            self._until = time.monotonic() + REFRESH_SECONDS
        except Problem:
            pass  # a greeting without topics is better than none; the next customer tries again

    async def _references(self, keys: Sequence[str], count: int) -> list[ArticleRef]:
        found: list[ArticleRef] = []
        for key in dict.fromkeys(keys):
            if len(found) == count:
                break
            try:
                article = await self._knowledge.article(key)
            except NotFound:
                continue
            found.append(ArticleRef(key=key, question=article.question, version=article.version))
        return found
