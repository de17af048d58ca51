"""Errors leave as problem details, and tell nothing of the inside."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from core.problems import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    Problem,
    Unauthenticated,
    Unavailable,
    install_problem_handlers,
)

pytestmark = pytest.mark.unit

KINDS = {
    "not-found": (NotFound("key 5"), 404, "not_found", False),
    "forbidden": (Forbidden(), 403, "forbidden", False),
    "unauthenticated": (Unauthenticated(), 401, "unauthenticated", False),
    "invalid": (InvalidInput(limit=500), 422, "invalid_input", False),
    "conflict": (Conflict(), 409, "conflict", False),
    "unavailable": (Unavailable("kb"), 503, "unavailable", True),
}


class Body(BaseModel):
    amount: int


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    install_problem_handlers(app)

    @app.get("/raise/{kind}")
    async def fail(kind: str) -> None:
        raise KINDS[kind][0]

    @app.get("/limited")
    async def limited() -> None:
        problem = Unavailable()
        problem.headers = {"Retry-After": "7"}
        raise problem

    @app.get("/boom")
    async def boom() -> None:
        raise ZeroDivisionError("secret inside")

    @app.post("/body")
    async def body(body: Body) -> None: ...

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        yield client


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_has_its_status_code_and_advice(client: httpx.AsyncClient, kind: str) -> None:
    problem, status, code, retry = KINDS[kind]
    answer = await client.get(f"/raise/{kind}")
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, body["status"], body["code"], body["retry"]) == (status, status, code, retry)
    assert body["title"] == problem.title
    assert body.get("detail", "") == problem.detail


async def test_extras_stand_beside_the_rest(client: httpx.AsyncClient) -> None:
    assert (await client.get("/raise/invalid")).json()["limit"] == 500


async def test_headers_go_along(client: httpx.AsyncClient) -> None:
    assert (await client.get("/limited")).headers["retry-after"] == "7"


async def test_an_unexpected_error_tells_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.get("/boom")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text


async def test_rejected_values_are_not_repeated(client: httpx.AsyncClient) -> None:
    answer = await client.post("/body", json={"amount": "6222021234567890128x"})
    assert answer.status_code == 422
    assert answer.json()["fields"][0]["field"] == "body.amount"
    assert "6222" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/no", 404, "not_found"), ("PUT", "/body", 405, "method_not_allowed")],
)
async def test_the_frameworks_own_errors_are_problems_too(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_the_text_of_a_problem_is_its_detail_or_its_title() -> None:
    assert str(NotFound("key 5")) == "key 5"
    assert str(NotFound()) == NotFound.title
    assert Problem().body()["code"] == "internal_error"
