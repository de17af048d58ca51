"""The knowledge process over HTTP: who may ask, what it takes, what it answers, how it refuses."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Any
from unittest.mock import Mock

import httpx
import pytest

from core.secrets import ensure_secrets
from core.settings import Settings
from kb import server
from kb.schemas import ArticleIn
from kb.service import KnowledgeBase
from tests.kb import sample
from tests.kb.conftest import open_with
from tests.kb.fake_encoder import FakeEncoder

pytestmark = pytest.mark.unit

QUESTION = "银行卡丢了怎么办"


@pytest.fixture
async def http(settings: Settings, faked: FakeEncoder) -> AsyncIterator[httpx.AsyncClient]:
    """A running server over the sample's articles, asked with the token."""
    (await open_with(settings, sample.articles())).database.close()
    app = server.create_app(settings)
    headers = {"Authorization": f"Bearer {ensure_secrets(settings).internal_token}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://kb.test", headers=headers) as client,
    ):
        yield client


def body(article: ArticleIn) -> dict[str, Any]:
    return article.model_dump(mode="json")


def problem(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    content = response.json()
    assert content["status"] == response.status_code
    assert content["title"]
    return response.status_code, content["code"]


async def ask(http: httpx.AsyncClient, text: str = QUESTION, **more: object) -> dict[str, Any]:
    response = await http.post("/v1/search", json={"text": text, **more})
    assert response.status_code == 200, response.text
    content: dict[str, Any] = response.json()
    return content


ROUTES = [
    ("POST", "/v1/search"),
    ("GET", "/v1/articles"),
    ("GET", "/v1/articles/card.lost"),
    ("PUT", "/v1/articles/card.lost"),
    ("DELETE", "/v1/articles/card.lost"),
    ("GET", "/v1/status"),
]


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", "Basic eA==", "bearer 令牌"])
@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_nothing_is_told_or_done_without_the_token(
    method: str, path: str, authorization: str, http: httpx.AsyncClient
) -> None:
    headers = {"Authorization": authorization.encode()}
    assert problem(await http.request(method, path, headers=headers)) == (401, "unauthenticated")  # type: ignore[arg-type]
    assert (await http.get("/v1/articles/card.lost")).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_health_needs_no_token(path: str, http: httpx.AsyncClient) -> None:
    assert (await http.get(path, headers={"Authorization": ""})).status_code == 200


async def test_before_it_has_opened_it_is_alive_but_not_ready(settings: Settings) -> None:
    transport = httpx.ASGITransport(server.create_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://kb.test") as http:
        assert (await http.get("/healthz")).status_code == 200
        assert problem(await http.get("/readyz")) == (503, "unavailable")


async def test_a_search_answers_with_the_whole_article(http: httpx.AsyncClient) -> None:
    content = await ask(http)
    assert content["decision"] == "answer"
    assert content["confidence"] == 1
    assert content["answer"] == {
        "key": "card.lost",
        "version": 1,
        "question": QUESTION,
        "category": "card/样例",
        "spoken": f"{QUESTION}，请到网点办理。",
        "text": sample.article().text,
        "tags": ["样例"],
        "related": [],
    }
    assert content["candidates"][0].keys() == {"key", "question", "matched", "score", "version"}
    assert content["index"] == {"model": "fake/1", "generation": 6, "scorer": "kernel-ridge/6"}
    assert len(content["candidates"]) == 5


async def test_a_search_within_some_articles_answers_with_the_best_of_them(http: httpx.AsyncClient) -> None:
    content = await ask(http, "红烧肉怎么做", within=["fx.rate", "loan.prepay"], k=1)
    assert content["decision"] == "answer"
    assert [candidate["key"] for candidate in content["candidates"]] == [content["answer"]["key"]]
    assert content["answer"]["key"] in ("fx.rate", "loan.prepay")
    assert (await ask(http, within=["no.such"]))["answer"] is None


@pytest.mark.parametrize("text", ["卡" * 500, "💳", "\u0000\u0007", "<script>alert(1)</script>", "/restart", "\u202e卡",
                                  "' OR 1=1 --", "  银行卡丢了怎么办  "])  # fmt: skip
async def test_odd_words_get_a_calm_answer(text: str, http: httpx.AsyncClient) -> None:
    assert (await ask(http, text))["decision"] in ("answer", "clarify", "unrecognised")


@pytest.mark.parametrize(
    ("request_body", "field"),
    [
        ({"text": ""}, "body.text"),
        ({"text": " \n "}, "body.text"),
        ({"text": "卡" * 501}, "body.text"),
        ({"text": 7}, "body.text"),
        ({}, "body.text"),
        ({"text": QUESTION, "k": 0}, "body.k"),
        ({"text": QUESTION, "k": 21}, "body.k"),
        ({"text": QUESTION, "k": "many"}, "body.k"),
        ({"text": QUESTION, "within": "card.lost"}, "body.within"),
        ({"text": QUESTION, "within": ["a.b"] * 201}, "body.within"),
        ({"text": QUESTION, "unknown": 1}, "body.unknown"),
        ([], "body"),
    ],
)
async def test_a_search_beyond_its_limits_is_refused_by_field(
    request_body: object, field: str, http: httpx.AsyncClient
) -> None:
    response = await http.post("/v1/search", json=request_body)
    assert problem(response) == (422, "invalid_input")
    assert [item["field"] for item in response.json()["fields"]] == [field]
    assert "卡卡" not in response.text


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"text": "\\ud800"}', b"[" * 100_000])
async def test_what_is_no_json_is_refused(content: bytes, http: httpx.AsyncClient) -> None:
    response = await http.post("/v1/search", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 422)
    assert response.headers["content-type"] == "application/problem+json"


async def test_an_article_is_put_read_searched_and_removed(http: httpx.AsyncClient) -> None:
    article = sample.article("hall.parking", question="网点能停车吗", related=["card.lost"])
    created = await http.put("/v1/articles/hall.parking", json=body(article), headers={"X-Author": "li"})
    assert created.status_code == 200
    assert (created.json()["version"], created.json()["updated_by"]) == (1, "li")
    assert created.json()["related"] == [{"key": "card.lost", "question": QUESTION}]
    assert (await http.get("/v1/articles/hall.parking")).json() == created.json()
    assert (await ask(http, "网点能停车吗"))["answer"]["key"] == "hall.parking"
    assert (await http.delete("/v1/articles/hall.parking")).status_code == 204
    assert "hall.parking" not in [c["key"] for c in (await ask(http, "网点能停车吗", k=20))["candidates"]]
    assert problem(await http.get("/v1/articles/hall.parking")) == (404, "article_not_found")
    assert problem(await http.delete("/v1/articles/hall.parking")) == (404, "article_not_found")
    assert (await http.get("/v1/articles/hall.parking", params={"version": 1})).json()["version"] == 1


async def test_two_writers_of_the_same_version_get_one_success_and_one_conflict(http: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(
        http.put("/v1/articles/card.lost", json=body(sample.article(text=text)), headers={"If-Match": "1"})
        for text in ("一个人的", "另一个人的")
    ))  # fmt: skip
    refused, accepted = sorted(answers, key=lambda answer: answer.is_success)
    assert problem(refused) == (409, "version_conflict")
    assert accepted.json()["version"] == 2
    assert (await http.get("/v1/articles/card.lost")).json()["text"] == accepted.json()["text"]


async def test_a_put_answers_with_what_it_stored_whatever_others_do(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = KnowledgeBase.put

    async def put_and_another_removes(self: KnowledgeBase, *arguments: Any) -> object:
        stored = await put(self, *arguments)
        await self.delete("card.lost")
        return stored

    monkeypatch.setattr(KnowledgeBase, "put", put_and_another_removes)
    response = await http.put("/v1/articles/card.lost", json=body(sample.article(text="第2版")))
    assert (response.status_code, response.json()["version"], response.json()["text"]) == (200, 2, "第2版")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"spoken": "说" * 81}, "body.spoken"),
        ({"question": ""}, "body.question"),
        ({"extended": ["同样", "同样"]}, "body.extended"),
        ({"valid_from": "2026-02-30"}, "body.valid_from"),
        ({"valid_from": "2026-02-02", "valid_to": "2026-02-01"}, "body.valid_to"),
        ({"version": 3}, "body.version"),
        ({"key": "Card"}, "body.key"),
    ],
)
async def test_a_malformed_article_is_refused_and_nothing_stored(
    fields: dict[str, object], field: str, http: httpx.AsyncClient
) -> None:
    response = await http.put("/v1/articles/card.lost", json=body(sample.article()) | fields)
    assert problem(response) == (422, "invalid_input")
    assert [item["field"] for item in response.json()["fields"]] == [field]
    assert (await http.get("/v1/articles/card.lost")).json()["version"] == 1


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/articles/card.other", {}),
        ("/v1/articles/card.lost", {"If-Match": "x"}),
        ("/v1/articles/card.lost", {"X-Author": "a" * 65}),
    ],
)
async def test_an_article_that_does_not_fit_its_address_or_headers_is_refused(
    path: str, headers: dict[str, str], http: httpx.AsyncClient
) -> None:
    response = await http.put(path, json=body(sample.article(text="新")), headers=headers)
    assert problem(response) == (422, "invalid_input")


@pytest.mark.parametrize("key", ["no.such", "", "..%2Fstatus", "%00", "card.lost%2F", "a" * 5000])
async def test_an_unknown_key_is_not_found(key: str, http: httpx.AsyncClient) -> None:
    assert problem(await http.get(f"/v1/articles/{key}"))[0] == 404


@pytest.mark.parametrize("version", ["0", "-1", "x"])
async def test_a_malformed_version_is_refused(version: str, http: httpx.AsyncClient) -> None:
    assert problem(await http.get("/v1/articles/card.lost", params={"version": version})) == (422, "invalid_input")
    assert problem(await http.get("/v1/articles/card.lost", params={"version": 9})) == (404, "article_not_found")


async def test_articles_are_listed_in_pages(http: httpx.AsyncClient) -> None:
    page = (await http.get("/v1/articles", params={"category": "card", "limit": 1, "offset": 1})).json()
    assert page["total"] == 2
    assert [item["key"] for item in page["items"]] == ["card.swallowed"]
    assert page["items"][0].keys() == {"key", "question", "category", "version", "valid_from", "valid_to", "updated_at"}
    assert (await http.get("/v1/articles", params={"q": "汇率"})).json()["total"] == 1
    for parameters in ({"limit": 0}, {"limit": 501}, {"offset": -1}, {"q": "长" * 201}):
        assert problem(await http.get("/v1/articles", params=parameters)) == (422, "invalid_input")


async def test_its_status_tells_what_it_serves(http: httpx.AsyncClient) -> None:
    status = (await http.get("/v1/status")).json()
    assert {"articles": 6, "questions": 24, "generation": 6, "model": "fake/1"}.items() <= status.items()
    assert 0 < status["thresholds"]["answer_from"] < 1
    assert 0 < status["thresholds"]["clarify_from"] < 1


async def test_an_expired_article_is_listed_but_never_answered(http: httpx.AsyncClient) -> None:
    await http.put("/v1/articles/card.lost", json=body(sample.article(valid_to=date(2020, 1, 1))))
    assert "card.lost" not in [c["key"] for c in (await ask(http, k=20))["candidates"]]
    assert (await http.get("/v1/articles", params={"category": "card"})).json()["total"] == 2


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not happened():  # noqa: ASYNC110 (nothing tells of it)
            await asyncio.sleep(0.02)


async def test_it_follows_other_processes_and_keeps_its_scorer_fitted(
    settings: Settings, faked: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "FOLLOW_SECONDS", 0.05)
    monkeypatch.setattr(server, "REFIT_AFTER_SECONDS", 0.1)
    other = await open_with(settings, sample.articles())
    app = server.create_app(settings)
    async with app.router.lifespan_context(app):
        knowledge: KnowledgeBase = app.state.knowledge
        await other.put([sample.article("hall.parking", question="网点能停车吗")], "li")
        await until(lambda: knowledge.engine.snapshot.scorer_generation == 7)
        assert "hall.parking" in knowledge.engine.snapshot.scorer.keys
    other.database.close()


async def test_it_adopts_the_index_that_another_process_builds(
    settings: Settings, faked: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "FOLLOW_SECONDS", 0.05)
    other = await open_with(settings, sample.articles())
    app = server.create_app(settings)
    async with app.router.lifespan_context(app):
        knowledge: KnowledgeBase = app.state.knowledge
        before = knowledge.engine.snapshot
        monkeypatch.setattr("kb.training.FOLDS", 2)  # gives another decision
        await other.rebuild()
        await until(lambda: knowledge.engine.snapshot.scorer is not before.scorer)
        assert knowledge.engine.snapshot.gate == other.engine.snapshot.gate != before.gate
        assert not knowledge.engine.snapshot.is_stale
    other.database.close()


async def test_a_failing_follower_is_logged_and_goes_on(
    settings: Settings, faked: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "FOLLOW_SECONDS", 0.02)
    log = Mock()
    monkeypatch.setattr(server, "log", log)
    (await open_with(settings, sample.articles())).database.close()
    calls: list[KnowledgeBase] = []

    async def follow(self: KnowledgeBase) -> None:
        calls.append(self)
        raise OSError("disk I/O error")

    monkeypatch.setattr(KnowledgeBase, "follow", follow)
    app = server.create_app(settings)
    async with app.router.lifespan_context(app):
        await until(lambda: len(calls) >= 3)
    assert "could not follow" in log.exception.call_args.args[0]
