"""Reading Rasa's replies, and what happens when they are not usable."""

import copy
import json
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.problems import Unavailable
from core.secrets import Secrets
from core.settings import Settings
from gateway.understanding import RasaClient, read_reply, understand
from tests.answering import Asked, answering
from tests.fakes import FakeKnowledge, FakeRasa, found

pytestmark = pytest.mark.unit

SEARCH = found("answer", "debit.lost").model_dump(mode="json")


def reply(*messages: dict[str, Any]) -> dict[str, Any]:
    return {
        "messages": list(messages),
        "intent": {"name": "ask_faq", "confidence": 0.9},
        "ranking": [{"name": "ask_faq", "confidence": 0.9}],
        "entities": [{"entity": "card", "value": "储蓄卡", "start": 0, "end": 3}],
        "model_id": "model-1",
    }


def custom(**payload: Any) -> dict[str, Any]:
    return {"text": None, "custom": payload}


def words(text: str) -> dict[str, Any]:
    return {"text": text, "custom": None}


class TestReadReply:
    def test_knowledge(self) -> None:
        read = read_reply(reply(custom(kind="knowledge", decision="answer", intent="ask_faq", search=SEARCH)))
        assert read.kind == "knowledge"
        assert read.search
        assert read.search.answer
        assert read.search.answer.key == "debit.lost"
        assert (read.intent, read.confidence, read.model) == ("ask_faq", 0.9, "model-1")
        assert read.ranking
        assert read.entities

    def test_task_with_words(self) -> None:
        read = read_reply(reply(words("好的"), custom(kind="task", task="report_loss", search=SEARCH)))
        assert (read.kind, read.texts) == ("task", ["好的"])
        assert read.search

    def test_task_without_a_search(self) -> None:
        assert read_reply(reply(custom(kind="task", task="report_loss", search=None))).search is None

    @pytest.mark.parametrize("reason", ["asked", "fraud", "complaint", "abuse"])
    def test_hand_off(self, reason: str) -> None:
        read = read_reply(reply(custom(kind="handoff", reason=reason, priority=1)))
        assert (read.kind, read.handoff_reason, read.handoff_priority) == ("handoff", reason, 1)

    def test_hand_off_keeps_the_article_that_came_with_it(self) -> None:
        read = read_reply(
            reply(custom(kind="task", task="report_fraud", search=SEARCH), custom(kind="handoff", reason="fraud"))
        )
        assert (read.kind, read.handoff_priority) == ("handoff", 0)
        assert read.search

    def test_fraud_goes_to_a_person_even_when_the_knowledge_base_is_down(self) -> None:
        read = read_reply(reply(custom(kind="failure", stage="kb"), custom(kind="handoff", reason="fraud", priority=1)))
        assert (read.kind, read.handoff_reason, read.failure) == ("handoff", "fraud", "kb")

    @pytest.mark.parametrize("control", ["repeat", "slower", "menu", "cancel", "elder_mode", "language"])
    def test_control(self, control: str) -> None:
        read = read_reply(reply(custom(kind="control", control=control)))
        assert (read.kind, read.control) == ("control", control)

    def test_failure_of_the_knowledge_base(self) -> None:
        read = read_reply(reply(custom(kind="failure", stage="kb")))
        assert (read.kind, read.failure) == ("failure", "kb")

    def test_words_alone_are_social(self) -> None:
        read = read_reply(reply(words("您好"), words("请讲")))
        assert (read.kind, read.texts) == ("social", ["您好", "请讲"])

    MALFORMED = {
        "nothing": None,
        "a list": [],
        "a text": "ok",
        "an empty object": {},
        "no messages, as when the action server is down": reply(),
        "messages that say nothing": reply({"text": None, "custom": None}, {"text": "", "custom": {}}),
        "messages that are no list": reply() | {"messages": "hi"},
        "a message that is a text": reply() | {"messages": ["hi"]},
        "no intent": {key: value for key, value in reply(words("hi")).items() if key != "intent"},
        "an intent that is null": reply(words("hi")) | {"intent": None},
        "a confidence in words": reply(words("hi")) | {"intent": {"name": "x", "confidence": "high"}},
        "a ranking that is a text": reply(words("hi")) | {"ranking": "x"},
        "a custom that is a text": reply({"text": None, "custom": "x"}),
        "a payload without a kind": reply(custom(decision="answer")),
        "a kind that is a list": reply(custom(kind=[])),
        "a search of another shape": reply(custom(kind="knowledge", search={"decision": "maybe"})),
        "a hand-off without a reason": reply(custom(kind="handoff", priority=1)),
        "a hand-off for a reason nobody knows": reply(custom(kind="handoff", reason="bored")),
        "a priority in words": reply(custom(kind="handoff", reason="fraud", priority="urgent")),
        "a control without its name": reply(custom(kind="control")),
    }

    @pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
    def test_any_other_form_is_refused(self, body: Any) -> None:
        with pytest.raises((ValueError, KeyError, TypeError)):
            read_reply(body)

    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
            st.sampled_from(["messages", "intent", "custom", "text", "kind", "search", "name", "reason"]), inner,
            max_size=4,
        ),
        max_leaves=12,
    )  # fmt: skip

    @given(json_values)
    def test_nothing_makes_it_fail_in_another_way(self, body: Any) -> None:
        try:
            read_reply(body)
        except (ValueError, KeyError, TypeError):
            pass


@asynccontextmanager
async def rasa_at(settings: Settings, port: int, seconds: float = 5) -> AsyncIterator[RasaClient]:
    client = RasaClient(settings.model_copy(update={"rasa_port": port, "rasa_seconds": seconds}), Secrets("internal"))
    yield client
    await client.close()


class TestRasaClient:
    async def test_it_sends_what_the_channel_expects(self, settings: Settings) -> None:
        asked: list[Asked] = []
        content = json.dumps(reply(words("您好"))).encode()
        with answering(200, content, asked=asked) as port:
            async with rasa_at(settings, port) as client:
                assert (await client.understand("s.0.0", "m1", "你好", "web", False)).texts == ["您好"]
        (request,) = asked
        assert request.path == "/webhooks/gateway/message"
        assert request.headers["X-Teller-Token"] == "internal"
        body = json.loads(request.body)
        assert (body["sender"], body["message_id"], body["message"]) == ("s.0.0", "m1", "你好")

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (500, "boom"),
            (401, {}),
            (307, reply(words("您好"))),
            (200, "<html>"),
            (200, reply()),
            (200, ["x"]),
            (200, reply() | {"messages": ["x"]}),
            (200, reply(custom(kind="handoff", reason="bored"))),
        ],
        ids=["500", "401", "moved", "not JSON", "no messages", "a list", "a text for a message", "unknown reason"],
    )
    async def test_whatever_is_not_usable_is_unavailable(self, settings: Settings, status: int, body: Any) -> None:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        with answering(status, content) as port:
            async with rasa_at(settings, port) as client:
                with pytest.raises(Unavailable):
                    await client.understand("s", "m", "你好", "web", False)

    async def test_a_server_that_is_not_there_is_unavailable(self, settings: Settings) -> None:
        with socket.socket() as attempt:
            attempt.bind(("127.0.0.1", 0))
            port = attempt.getsockname()[1]
        async with rasa_at(settings, port) as client:
            with pytest.raises(Unavailable):
                await client.understand("s", "m", "你好", "web", False)
            assert await client.is_ready() is False

    async def test_an_answer_beyond_its_time_is_unavailable(self, settings: Settings) -> None:
        with answering(200, b"{}", threading.Event()) as port:
            async with rasa_at(settings, port, seconds=0.05) as client:
                with pytest.raises(Unavailable):
                    await client.understand("s", "m", "你好", "web", False)


class TestUnderstand:
    async def test_it_says_how_long_each_stage_took(self, rasa: FakeRasa, knowledge: FakeKnowledge) -> None:
        read = await understand(rasa, knowledge, "s", "m", "储蓄卡丢了怎么办？", "web", False)
        assert set(read.timings_ms) == {"rasa", "kb_embed", "kb_search", "kb_score"}

    async def test_without_rasa_the_time_is_the_knowledge_bases(self, rasa: FakeRasa, knowledge: FakeKnowledge) -> None:
        rasa.is_down = True
        read = await understand(rasa, knowledge, "s", "m", "储蓄卡丢了怎么办？", "web", False)
        assert (read.failure, read.intent) == ("rasa", None)
        assert "kb" in read.timings_ms

    async def test_a_malformed_answer_of_the_knowledge_base_counts_as_none(
        self, rasa: FakeRasa, knowledge: FakeKnowledge, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def nonsense(*_arguments: Any, **_more: Any) -> Any:
            return type(found("unrecognised")).model_validate({"decision": "maybe"})

        rasa.is_down = True
        monkeypatch.setattr(knowledge, "search", nonsense)
        assert (await understand(rasa, knowledge, "s", "m", "x", "web", False)).failure == "rasa+kb"

    def test_the_example_reply_is_not_changed_by_reading(self) -> None:
        body = reply(custom(kind="knowledge", search=SEARCH))
        before = copy.deepcopy(body)
        read_reply(body)
        assert body == before
