"""The one way into the console, over HTTP: who may call what."""

import re
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from accounts.access import COOKIE
from accounts.endpoints import router as accounts_router
from accounts.roles import DESK_ROLES, Role
from app.main import Teller
from desk.endpoints import router as desk_router
from tests.fakes import FakeClock
from tests.staff import Staff

pytestmark = pytest.mark.unit

OPEN = "/api/v1/auth/login"
EVERYBODY = tuple(Role)
BODIES: dict[str, Any] = {
    "/api/v1/auth/password": {"current": "x", "new": "a new long password"},
    "/api/v1/desk/presence": {"state": "ready"},
    "/api/v1/desk/conversations/{conversation}/messages": {"id": "a1", "text": "您好"},
    "/api/v1/desk/conversations/{conversation}/articles": {"id": "a1", "key": "debit.lost"},
    "/api/v1/desk/conversations/{conversation}/return": {"note": ""},
    "/api/v1/desk/conversations/{conversation}/read": {"seq": 1},
}
QUERIES = {"/api/v1/knowledge/search": {"q": "卡"}}


def roles_of(path: str) -> tuple[Role, ...]:
    """Who may call it, as the contract says."""
    if path.startswith("/api/v1/auth/"):
        return EVERYBODY
    if path.startswith("/api/v1/knowledge/"):
        return (*DESK_ROLES, Role.KB_MANAGER)
    assert path.startswith("/api/v1/desk/"), f"{path}: say here who may call it"
    return DESK_ROLES


ROUTES = [
    (method, route.path)
    for router in (accounts_router, desk_router)
    for route in router.routes
    if isinstance(route, APIRoute) and route.path != OPEN
    for method in sorted(route.methods)
]
CHANGES = [(method, path) for method, path in ROUTES if method != "GET"]
each_route = pytest.mark.parametrize(("method", "path"), ROUTES, ids=str)
each_change = pytest.mark.parametrize(("method", "path"), CHANGES, ids=str)


async def call(client: httpx.AsyncClient, method: str, path: str, **more: Any) -> httpx.Response:
    address = re.sub(r"\{\w+\}", "nothing", path)
    return await client.request(method, address, json=BODIES.get(path), params=QUERIES.get(path), **more)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_every_console_route_is_tried_here() -> None:
    assert len(ROUTES) >= 13
    assert {method for method, _ in ROUTES} == {"GET", "POST", "PUT"}


@each_route
async def test_without_a_session_nothing_opens(staff: Staff, method: str, path: str) -> None:
    async with staff.browser() as client:
        assert code(await call(client, method, path)) == (401, "unauthenticated")


async def test_with_an_invented_session_nothing_opens(staff: Staff) -> None:
    async with staff.browser() as client:
        client.cookies.set(COOKIE, "x" * 43)
        for method, path in ROUTES:
            assert code(await call(client, method, path)) == (401, "unauthenticated"), path


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_comes_in_where_it_fits_and_nowhere_else(staff: Staff, role: Role) -> None:
    person = await staff.hire("wang", role)
    logout_last = sorted(ROUTES, key=lambda route: "logout" in route[1])
    async with staff.browser(person) as client:
        for method, path in logout_last:
            answer = await call(client, method, path)
            if role in roles_of(path):
                assert answer.status_code not in (401, 403) or answer.json()["code"] == "invalid_credentials", path
            else:
                assert code(answer) == (403, "forbidden"), path


@each_change
async def test_a_change_without_our_pages_header_is_refused(staff: Staff, method: str, path: str) -> None:
    person = await staff.hire("admin", Role.ADMINISTRATOR)
    async with staff.browser(person) as client:
        for value in ("", "0", "true"):
            assert code(await call(client, method, path, headers={"X-Teller-CSRF": value})) == (403, "forbidden")


async def test_an_expired_session_opens_nothing(staff: Staff, clock: FakeClock) -> None:
    person = await staff.hire("admin", Role.ADMINISTRATOR)
    clock.advance(days=2)
    async with staff.browser(person) as client:
        for method, path in ROUTES:
            assert code(await call(client, method, path)) == (401, "unauthenticated"), path


class TestEndpoints:
    async def test_signing_in_sets_a_cookie_that_scripts_and_other_sites_cannot_use(
        self, http: httpx.AsyncClient, staff: Staff
    ) -> None:
        person = await staff.hire("wang")
        answer = await http.post(OPEN, json={"username": "wang", "password": person.password})
        assert answer.json() == {
            "id": person.user.id, "username": "wang", "display_name": "wang的显示名", "role": "agent",
        }  # fmt: skip
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Path=/" in cookie
        assert "Secure" not in cookie
        assert (await http.get("/api/v1/auth/me")).json()["username"] == "wang"

    async def test_behind_https_the_cookie_is_secure(
        self, http: httpx.AsyncClient, staff: Staff, teller: Teller
    ) -> None:
        teller.settings.secure_cookies = True
        person = await staff.hire("wang")
        answer = await http.post(OPEN, json={"username": "wang", "password": person.password})
        assert "Secure" in answer.headers["set-cookie"]

    async def test_a_wrong_password_and_an_unknown_name_look_the_same(
        self, http: httpx.AsyncClient, staff: Staff
    ) -> None:
        await staff.hire("wang")
        answers = [await http.post(OPEN, json={"username": name, "password": "x"}) for name in ("wang", "nobody")]
        assert [code(answer) for answer in answers] == [(401, "invalid_credentials")] * 2
        assert answers[0].content == answers[1].content

    async def test_too_many_attempts_are_told_with_the_time_to_wait(
        self, http: httpx.AsyncClient, staff: Staff
    ) -> None:
        for _ in range(5):
            await http.post(OPEN, json={"username": "wang", "password": "x"})
        answer = await http.post(OPEN, json={"username": "wang", "password": "x"})
        assert code(answer) == (429, "too_many_attempts")
        assert 0 < int(answer.headers["retry-after"]) <= 600

    async def test_signing_out_ends_the_session(self, staff: Staff) -> None:
        person = await staff.hire("wang")
        async with staff.browser(person) as client:
            assert (await client.post("/api/v1/auth/logout")).status_code == 204
        async with staff.browser(person) as client:
            assert (await client.get("/api/v1/auth/me")).status_code == 401

    @pytest.mark.parametrize(("new", "status"), [("short", 422), ("nine char", 422), ("ten chars!", 204)])
    async def test_a_new_password_has_at_least_ten_characters(self, staff: Staff, new: str, status: int) -> None:
        person = await staff.hire("wang")
        async with staff.browser(person) as client:
            answer = await client.post("/api/v1/auth/password", json={"current": person.password, "new": new})
            assert answer.status_code == status
            assert new not in answer.text
            assert (await client.get("/api/v1/auth/me")).status_code == 200

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"username": "x"},
            {"username": 5, "password": "x"},
            {"username": "a\x00", "password": "x"},
            {"username": "a" * 65, "password": "x"},
            {"username": "a", "password": "x", "role": "administrator"},
        ],
    )
    async def test_a_login_of_another_shape_is_invalid(self, http: httpx.AsyncClient, body: Any) -> None:
        assert code(await http.post(OPEN, json=body)) == (422, "invalid_input")
