"""Small complete stand-ins for what runs in other processes, handed to `app.main.bootstrap`."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from core.problems import NotFound, Unavailable
from gateway.understanding import Understanding
from kb.schemas import Answer, ArticleDetail, ArticleRef, Candidate, SearchResult

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
INDEX = {"model": "fake-embedding", "generation": 7, "scorer": "fake-scorer"}

QUESTIONS = {
    "transfer.limit": "转账限额是多少？",
    "credit.bill_check": "怎么查信用卡账单？",
    "debit.lost": "储蓄卡丢了怎么办？",
    "account.update_phone": "怎么修改预留手机号？",
    "ebank.login_forgot": "忘记网银密码怎么办？",
    "account.statement": "怎么打印流水？",
    "life.pension": "养老金怎么领取？",
    "account.password_reset": "忘记取款密码怎么办？",
    "credit.lost": "信用卡丢了怎么办？",
}


class FakeClock:
    """The time, standing still until a test moves it."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **step: float) -> None:
        self.now += timedelta(**step)


def article(key: str, version: int = 1) -> ArticleDetail:
    question = QUESTIONS[key]
    others = [other for other in QUESTIONS if other != key][:4]
    return ArticleDetail(
        key=key, version=version, question=question, category="测试", text=f"**{question}** 请按以下步骤办理。",
        spoken=f"{question}请到柜台办理。", tags=[], related=[ArticleRef(key=o, question=QUESTIONS[o]) for o in others],
        extended=[], channels=["web"], source="", valid_from=date(2026, 1, 1), valid_to=None, updated_at=START,
        updated_by="tests",
    )  # fmt: skip


def candidate(key: str, score: float = 0.9) -> Candidate:
    return Candidate(key=key, question=QUESTIONS[key], matched=QUESTIONS[key], score=score, version=1)


def found(decision: str, *keys: str, confidence: float = 0.9) -> SearchResult:
    """A reply of the knowledge base with these candidates, best first."""
    answer = Answer.model_validate(article(keys[0]).model_dump()) if decision == "answer" else None
    return SearchResult.model_validate(
        {
            "decision": decision,
            "confidence": confidence,
            "candidates": [candidate(key, 0.9 - 0.1 * place).model_dump() for place, key in enumerate(keys)],
            "answer": answer.model_dump() if answer else None,
            "index": INDEX,
            "timings_ms": {"embed": 3.0, "search": 1.0, "score": 1.0},
        }
    )


class FakeKnowledge:
    """A knowledge base that knows its standard questions word by word."""

    def __init__(self) -> None:
        self.is_down = False
        self.results: dict[str, SearchResult] = {}  # by the text that is asked
        self.searched: list[str] = []
        self.is_closed = False

    async def search(self, text: str, k: int = 5, channel: str = "web") -> SearchResult:
        if self.is_down:
            raise Unavailable("knowledge base: ConnectError")
        self.searched.append(text)
        if text in self.results:
            return self.results[text]
        keys = [key for key, question in QUESTIONS.items() if question == text]
        return found("answer", *keys) if keys else found("unrecognised", "debit.lost", confidence=0.1)

    async def article(self, key: str, version: int | None = None) -> ArticleDetail:
        if self.is_down:
            raise Unavailable("knowledge base: ConnectError")
        if key not in QUESTIONS:
            raise NotFound(key)
        return article(key, version or 1)

    async def is_ready(self) -> bool:
        return not self.is_down

    async def close(self) -> None:
        self.is_closed = True


class FakeRasa:
    """Understands the texts that a test taught it; anything else is answered from `knowledge`, as ask_faq would be."""

    def __init__(self, knowledge: FakeKnowledge) -> None:
        self.knowledge = knowledge
        self.is_down = False
        self.taught: dict[str, Understanding | Exception] = {}
        self.before: Callable[[str], Awaitable[None]] | None = None  # awaited with the text before each answer
        self.calls: list[dict[str, Any]] = []
        self.is_closed = False

    async def understand(self, sender: str, message_id: str, text: str, channel: str, elder: bool) -> Understanding:
        self.calls.append(
            {"sender": sender, "message_id": message_id, "text": text, "channel": channel, "elder": elder}
        )
        if self.before:
            await self.before(text)
        if self.is_down:
            raise Unavailable("rasa: ConnectError")
        taught = self.taught.get(text)
        if isinstance(taught, Exception):
            raise taught
        if taught:
            return taught
        try:
            search = await self.knowledge.search(text, channel=channel)
        except Unavailable:
            return Understanding("failure", failure="kb", **SEEN)
        return Understanding("knowledge", search=search, **SEEN)

    async def is_ready(self) -> bool:
        return not self.is_down

    async def close(self) -> None:
        self.is_closed = True


# What Rasa saw in a question.
SEEN: dict[str, Any] = {
    "intent": "ask_faq",
    "confidence": 0.93,
    "ranking": [{"name": "ask_faq", "confidence": 0.93}, {"name": "report_loss", "confidence": 0.04}],
    "entities": [{"entity": "card", "value": "储蓄卡", "start": 0, "end": 3}],
    "model": "20260301-fake",
}


class Gate:
    """Holds whoever comes until it is opened, and says who came."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[str] = asyncio.Queue()
        self._open = asyncio.Event()

    async def __call__(self, text: str) -> None:
        self.arrived.put_nowait(text)
        await self._open.wait()

    def open(self) -> None:
        self._open.set()


async def some_turns_of_the_loop(dice: random.Random, most: int) -> None:
    """Let other tasks run, a random number of times."""
    for _ in range(dice.randrange(most)):
        await asyncio.sleep(0)
