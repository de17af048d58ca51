"""The chat over plain HTTP."""

from typing import Any

import httpx
import pytest

from app.main import Teller
from core.limits import RateLimit
from gateway import wording
from tests.fakes import QUESTIONS, FakeKnowledge, FakeRasa

pytestmark = pytest.mark.unit

LOST = QUESTIONS["debit.lost"]


class Session:
    """A customer's program."""

    def __init__(self, http: httpx.AsyncClient, started: dict[str, Any]) -> None:
        self.http = http
        self.id, self.token, self.greeting = started["session"], started["token"], started["greeting"]

    async def post(self, what: str, **body: Any) -> httpx.Response:
        return await self.http.post(
            f"/api/v1/chat/sessions/{self.id}/{what}", json=body, headers={"X-Session-Token": self.token}
        )

    async def messages(self, **query: Any) -> httpx.Response:
        return await self.http.get(
            f"/api/v1/chat/sessions/{self.id}/messages", params=query, headers={"X-Session-Token": self.token}
        )


async def start(http: httpx.AsyncClient, **body: Any) -> Session:
    answer = await http.post("/api/v1/chat/sessions", json=body)
    assert answer.status_code == 201
    return Session(http, answer.json())


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    return answer.status_code, body["code"]


async def test_a_session_begins_with_a_greeting(http: httpx.AsyncClient) -> None:
    session = await start(http)
    assert session.greeting["text"] == wording.GREETING
    assert len(session.greeting["topics"]) == 6


async def test_a_turn_gives_what_the_contract_says(http: httpx.AsyncClient) -> None:
    session = await start(http)
    answer = await session.post("turns", id="m1", text=LOST)
    assert answer.status_code == 200
    body = answer.json()
    assert {
        "session", "turn", "reply", "messages", "decision", "intent", "confidence", "article", "candidates", "owner",
        "timings_ms",
    } <= body.keys()  # fmt: skip
    assert (body["decision"], body["article"], body["owner"]) == ("answer", "debit.lost", "BOT")


async def test_an_article_can_be_picked(http: httpx.AsyncClient) -> None:
    session = await start(http)
    body = (await session.post("turns", id="m1", pick="credit.lost")).json()
    assert (body["article"], body["decision"]) == ("credit.lost", "answer")


async def test_the_messages_after_a_seq_are_given(http: httpx.AsyncClient) -> None:
    session = await start(http)
    await session.post("turns", id="m1", text=LOST)
    assert [message["seq"] for message in (await session.messages()).json()] == [1, 2]
    assert [message["seq"] for message in (await session.messages(after=1)).json()] == [2]
    assert (await session.messages(after=2)).json() == []


async def test_asking_for_a_person_tells_the_place(http: httpx.AsyncClient) -> None:
    session = await start(http)
    answer = await session.post("handoff")
    assert (answer.status_code, answer.json()) == (202, {"owner": "QUEUED", "position": 1})


async def test_a_rating_is_kept(http: httpx.AsyncClient) -> None:
    session = await start(http)
    turn = (await session.post("turns", id="m1", text=LOST)).json()["turn"]
    assert (await session.post("ratings", turn=turn, rating="unsolved")).status_code == 204
    assert (await session.messages()).json()[1]["rating"] == "unsolved"


async def test_an_unknown_session_a_wrong_token_and_no_token_look_the_same(http: httpx.AsyncClient) -> None:
    session, other = await start(http), await start(http)
    path = f"/api/v1/chat/sessions/{session.id}/messages"
    for answer in (
        await http.get("/api/v1/chat/sessions/nobody/messages", headers={"X-Session-Token": session.token}),
        await http.get(path, headers={"X-Session-Token": "x" * 43}),
        await http.get(path, headers={"X-Session-Token": other.token}),
        await http.get(path),
    ):
        assert problem(answer) == (404, "conversation_not_found")


@pytest.mark.parametrize("session_id", ["会话", "%00", "a" * 3000, "%ff", "%F0%9F%98%80"])
async def test_a_strange_session_is_not_found(http: httpx.AsyncClient, session_id: str) -> None:
    token = (await start(http)).token
    answer = await http.get(f"/api/v1/chat/sessions/{session_id}/messages", headers={"X-Session-Token": token})
    assert problem(answer) == (404, "conversation_not_found")


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "empty_message"), ("\x00\u200b", "empty_message"), ("长" * 501, "message_too_long"),
     ("长" * 10_000, "message_too_long")],
    ids=["empty", "control characters", "501", "10000"],
)  # fmt: skip
async def test_an_unusable_text_is_a_clear_problem(http: httpx.AsyncClient, text: str, code: str) -> None:
    assert problem(await (await start(http)).post("turns", id="m1", text=text)) == (422, code)


@pytest.mark.parametrize(
    "body",
    [{}, {"text": "x", "pick": "y"}, {"id": "a b", "text": "x"}, {"id": "x" * 65, "text": "x"}, {"text": 5},
     {"text": "x", "more": 1}, {"pick": "p" * 65}],
)  # fmt: skip
async def test_a_body_of_another_shape_is_invalid_and_not_repeated(http: httpx.AsyncClient, body: Any) -> None:
    answer = await (await start(http)).post("turns", **body)
    assert problem(answer) == (422, "invalid_input")
    assert all(set(field) == {"field", "problem"} for field in answer.json()["fields"])


@pytest.mark.parametrize("content", [b"{nope", b"", b"\xff\xfe", b"[" * 5000, b'{"text": "\\ud800"}'])
async def test_what_is_not_json_is_invalid(http: httpx.AsyncClient, content: bytes) -> None:
    session = await start(http)
    answer = await http.post(
        f"/api/v1/chat/sessions/{session.id}/turns", content=content,
        headers={"X-Session-Token": session.token, "Content-Type": "application/json"},
    )  # fmt: skip
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("after", ["-1", "x", "9" * 30])
async def test_a_strange_seq_is_invalid(http: httpx.AsyncClient, after: str) -> None:
    assert problem(await (await start(http)).messages(after=after)) == (422, "invalid_input")


async def test_picking_an_unknown_article_is_not_found(http: httpx.AsyncClient) -> None:
    assert problem(await (await start(http)).post("turns", pick="no.such_article")) == (404, "not_found")


async def test_rating_an_unknown_or_foreign_turn_is_not_found(http: httpx.AsyncClient) -> None:
    session, other = await start(http), await start(http)
    turn = (await other.post("turns", id="m1", text=LOST)).json()["turn"]
    for rated in (turn, "nothing"):
        assert problem(await session.post("ratings", turn=rated, rating="solved")) == (404, "turn_not_found")


async def test_a_closed_conversation_takes_no_turn(http: httpx.AsyncClient, teller: Teller) -> None:
    session = await start(http)
    await teller.gateway.close(session.id, "customer")
    assert problem(await session.post("turns", text=LOST)) == (409, "conversation_closed")
    assert problem(await session.post("handoff")) == (409, "conversation_closed")


async def test_a_repeated_id_gives_the_same_turn(http: httpx.AsyncClient, rasa: FakeRasa) -> None:
    session = await start(http)
    first, again = [(await session.post("turns", id="same", text=LOST)).json() for _ in range(2)]
    assert first["turn"] == again["turn"]
    assert first["messages"] == again["messages"]
    assert len(rasa.calls) == 1


async def test_everything_down_is_still_an_answer(
    http: httpx.AsyncClient, rasa: FakeRasa, knowledge: FakeKnowledge
) -> None:
    rasa.is_down = knowledge.is_down = True
    session = await start(http)
    assert session.greeting["topics"] == []
    assert (await session.post("turns", text=LOST)).json()["reply"] == [wording.ALL_DOWN]


async def test_an_unexpected_failure_tells_nothing_of_the_inside(http: httpx.AsyncClient, rasa: FakeRasa) -> None:
    rasa.taught["炸"] = ZeroDivisionError("secret inside")
    answer = await (await start(http)).post("turns", text="炸")
    assert problem(answer) == (500, "internal_error")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


async def test_sessions_of_one_address_are_limited(http: httpx.AsyncClient, teller: Teller) -> None:
    teller.gateway._sessions = RateLimit(2, 60.0, now=lambda: 0.0)
    await start(http)
    await start(http)
    assert problem(await http.post("/api/v1/chat/sessions", json={})) == (429, "too_many_sessions")
