"""Searches beside updates, in one real process: nothing fails, nothing is lost, nothing removed comes back."""

import asyncio
import itertools
import random
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from core.settings import Settings
from kb.questions import HELD_OUT, read_questions
from tests.kb import sample
from tests.kb.conftest import Server, serving

pytestmark = pytest.mark.integration

SECONDS = 8.0
SEARCHES_A_SECOND = 50
UPDATES_A_SECOND = 10
ARTICLES = 20  # that are written and removed by turns
MOST_IN_FLIGHT = 64


def question(key: str, version: int) -> str:
    return f"{key}第{version}次修订说了什么"


@dataclass
class State:
    """What the server has confirmed about each written article."""

    versions: dict[str, int] = field(default_factory=dict)  # ever stored
    present: dict[str, int] = field(default_factory=dict)  # stored now
    writing: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    searches: int = 0
    updates: int = 0


@dataclass
class Traffic:
    http: httpx.AsyncClient
    state: State
    questions: list[str]

    async def search(self, text: str) -> dict[str, Any]:
        response = await self.http.post("/v1/search", json={"text": text, "k": 20})
        assert response.status_code == 200, response.text
        self.state.searches += 1
        content: dict[str, Any] = response.json()
        self._check_consistent(content)
        return content

    def _check_consistent(self, content: dict[str, Any]) -> None:
        candidates = content["candidates"]
        assert len({candidate["key"] for candidate in candidates}) == len(candidates) == 20
        scores = [candidate["score"] for candidate in candidates]
        assert scores == sorted(scores, reverse=True)
        assert (content["decision"] == "answer") is (content["answer"] is not None)
        if content["answer"]:
            first, answer = candidates[0], content["answer"]
            assert (answer["key"], answer["version"]) == (first["key"], first["version"])
            if answer["key"].startswith("written."):
                assert answer["text"] == f"版本{answer['version']}"

    async def ask(self, number: int) -> None:
        """A customer's question; every fourth one about an article that is being written and removed."""
        text = self.questions[number % len(self.questions)]
        if number % 4 or not self.state.present:
            await self.search(text)
            return
        key = random.choice(list(self.state.present))
        await self.search(question(key, self.state.present[key]))

    async def update(self, number: int) -> None:
        key = f"written.a{number % ARTICLES}"
        async with self.state.writing[key]:
            await (self.remove(key) if number // ARTICLES % 3 == 2 else self.write(key))
        self.state.updates += 1

    async def write(self, key: str) -> None:
        version = self.state.versions.get(key, 0) + 1
        article = sample.article(key, question=question(key, version), extended=[], text=f"版本{version}")
        response = await self.http.put(f"/v1/articles/{key}", json=article.model_dump(mode="json"))
        assert response.status_code == 200, response.text
        assert response.json()["version"] == version
        self.state.versions[key] = self.state.present[key] = version
        content = await self.search(question(key, version))
        assert content["decision"] == "answer"
        assert content["confidence"] == 1
        assert (content["answer"]["key"], content["answer"]["version"]) == (key, version)
        if version > 1:
            older = await self.search(question(key, version - 1))
            assert all(c["version"] == version for c in older["candidates"] if c["key"] == key)

    async def remove(self, key: str) -> None:
        version = self.state.present.pop(key)
        assert (await self.http.delete(f"/v1/articles/{key}")).status_code == 204
        content = await self.search(question(key, version))
        assert key not in [candidate["key"] for candidate in content["candidates"]]


async def at_rate(rate: float, work: Callable[[int], Coroutine[None, None, None]]) -> None:
    """Start `work(0)`, `work(1)`, … so many times a second, and wait for all of them."""
    started, free = time.perf_counter(), asyncio.Semaphore(MOST_IN_FLIGHT)
    async with asyncio.TaskGroup() as group:
        for number in itertools.count():
            due = started + number / rate
            if due > started + SECONDS:
                return
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await free.acquire()
            group.create_task(work(number)).add_done_callback(lambda _: free.release())


@pytest.fixture
def server(some_settings: Settings) -> Iterator[Server]:
    with serving(some_settings) as running:
        yield running


async def test_fifty_searches_and_ten_updates_a_second(server: Server) -> None:
    questions = [one.text for one in read_questions(HELD_OUT)]
    before = server.http.get("/v1/status").json()
    limits = httpx.Limits(max_connections=2 * MOST_IN_FLIGHT)
    async with httpx.AsyncClient(
        base_url=server.settings.kb_url, headers=server.http.headers, timeout=60, limits=limits, trust_env=False
    ) as http:
        traffic = Traffic(http, State(), questions)
        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            group.create_task(at_rate(SEARCHES_A_SECOND, traffic.ask))
            group.create_task(at_rate(UPDATES_A_SECOND, traffic.update))
        took = time.perf_counter() - started
        state = traffic.state
        print(f"{state.searches / took:.0f} searches/s and {state.updates / took:.1f} updates/s for {took:.1f} s")
        for key, version in state.versions.items():
            content = await traffic.search(question(key, version))
            is_found = content["candidates"][0]["key"] == key and content["candidates"][0]["version"] == version
            assert is_found is (key in state.present)
    after = server.http.get("/v1/status").json()
    assert after["articles"] == before["articles"] + len(state.present)
    assert after["questions"] == before["questions"] + len(state.present)
    assert state.searches >= SEARCHES_A_SECOND * SECONDS
    assert state.updates >= UPDATES_A_SECOND * SECONDS
    assert server.process.poll() is None
