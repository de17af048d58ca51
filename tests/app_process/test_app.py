"""The app process: wiring, health, what every answer carries, and the pages."""

import re
from collections.abc import AsyncIterator, MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from app import pages
from app.health import router as health_router
from app.main import Teller, bootstrap, create_app
from app.security import MAX_BODY_BYTES, BodyLimit
from core.settings import Settings
from desk.service import Desk
from gateway.turn import Incoming
from gateway.understanding import RasaClient
from kb.client import KnowledgeClient
from tests.fakes import QUESTIONS, FakeKnowledge, FakeRasa
from tests.serving import serve
from tests.staff import Staff

pytestmark = pytest.mark.unit


class TestWiring:
    async def test_without_fakes_the_other_processes_are_asked(self, settings: Settings) -> None:
        teller = bootstrap(settings)
        assert isinstance(teller.rasa, RasaClient)
        assert isinstance(teller.knowledge, KnowledgeClient)
        assert (settings.data_dir / "secrets.json").exists()
        await teller.rasa.close()
        await teller.knowledge.close()
        teller.database.close()

    async def test_a_start_sends_everybody_away_and_a_stop_closes_what_was_opened(
        self, teller: Teller, staff: Staff, rasa: FakeRasa, knowledge: FakeKnowledge, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.main.configure_logging", lambda *_: None)
        agent = await staff.hire("wang")
        await teller.desk.set_presence(agent.user, "ready")
        async with serve(teller):
            assert await teller.desk.agents_ready() == 0
        assert rasa.is_closed
        assert knowledge.is_closed

    def test_the_document_of_the_api_can_be_made(self, teller: Teller) -> None:
        paths = create_app(teller).openapi()["paths"]
        assert {"/api/v1/chat/sessions", "/api/v1/auth/login", "/api/v1/desk/overview", "/healthz"} <= paths.keys()


class TestHealth:
    async def test_alive(self, http: httpx.AsyncClient) -> None:
        assert (await http.get("/healthz")).json() == {"status": "ok"}

    async def test_ready_tells_of_the_others_but_does_not_need_them(
        self, http: httpx.AsyncClient, rasa: FakeRasa, knowledge: FakeKnowledge
    ) -> None:
        assert (await http.get("/readyz")).json() == {"status": "ready", "rasa": True, "kb": True}
        rasa.is_down = knowledge.is_down = True
        answer = await http.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ready", "rasa": False, "kb": False})

    async def test_not_ready_without_the_database(
        self, http: httpx.AsyncClient, teller: Teller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_session() -> Any:
            raise OSError("/secret/place")

        monkeypatch.setattr(teller.database, "reading", no_session)
        answer = await http.get("/readyz")
        assert (answer.status_code, answer.json()["code"], answer.json()["retry"]) == (503, "unavailable", True)
        assert "secret" not in answer.text

    async def test_metrics_count_turns_by_decision(self, http: httpx.AsyncClient, teller: Teller) -> None:
        labels = {"channel": "web", "decision": "answer"}
        before = REGISTRY.get_sample_value("teller_turns_total", labels) or 0
        view, _ = await teller.conversations.start("web", elder=False)
        await teller.gateway.turns.handle_turn(Incoming(view.id, "m1", QUESTIONS["debit.lost"]))
        assert REGISTRY.get_sample_value("teller_turns_total", labels) == before + 1
        assert "teller_turn_stage_seconds" in (await http.get("/metrics")).text

    def test_its_paths_are_the_ones_that_watchers_know(self) -> None:
        assert {route.path for route in health_router.routes} == {"/healthz", "/readyz", "/metrics"}  # type: ignore[attr-defined]


class TestHeaders:
    @pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/auth/me", "/no/such/thing", "/console/", "/widget.js"])
    async def test_every_answer_carries_the_content_policy(self, http: httpx.AsyncClient, path: str) -> None:
        headers = (await http.get(path)).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "object-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "microphone=(self)" in headers["permissions-policy"]

    async def test_only_the_chat_page_may_be_framed_by_allowed_sites(self, settings: Settings) -> None:
        settings.allowed_origins = ["https://www.bank.example"]
        teller = bootstrap(settings, rasa=None, knowledge=FakeKnowledge())
        transport = httpx.ASGITransport(create_app(teller))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
            policies = {path: (await http.get(path)).headers["content-security-policy"] for path in ("/", "/console/")}
        await teller.rasa.close()  # type: ignore[attr-defined]
        teller.database.close()
        assert "frame-ancestors 'self' https://www.bank.example" in policies["/"]
        assert policies["/console/"].endswith("frame-ancestors 'self'")


class TestBodyLimit:
    async def test_a_declared_body_beyond_the_limit_is_refused(self, http: httpx.AsyncClient) -> None:
        answer = await http.post("/api/v1/auth/login", content=b"x" * (MAX_BODY_BYTES + 1))
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_an_undeclared_body_beyond_the_limit_is_refused(self, http: httpx.AsyncClient) -> None:
        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 1024

        answer = await http.post("/api/v1/auth/login", content=endless())
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    @pytest.mark.parametrize("length", [b"x", b"-1", b"9" * 30, b""])
    async def test_a_strange_length_is_refused(self, length: bytes) -> None:
        sent: list[MutableMapping[str, Any]] = []

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        async def never(*_arguments: Any) -> Any:
            raise AssertionError("the app was asked")

        await BodyLimit(never)({"type": "http", "headers": [(b"content-length", length)]}, never, send)
        assert sent[0]["status"] == 413

    async def test_a_body_within_the_limit_arrives_whole(self, http: httpx.AsyncClient) -> None:
        answer = await http.post("/api/v1/auth/login", json={"username": "a", "password": "b" * 200_000})
        assert answer.status_code == 422


class TestPages:
    @pytest.fixture
    def built(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        dist = tmp_path / "dist"
        for name in ("index.html", "widget.js", "console/index.html", "assets/chat-1.js"):
            (dist / name).parent.mkdir(parents=True, exist_ok=True)
            (dist / name).write_text(f"this is {name}")
        (tmp_path / "secret.txt").write_text("not a page")
        monkeypatch.setattr(pages, "DIST", dist)
        return dist

    @pytest.mark.parametrize(
        ("path", "file"),
        [("/", "index.html"), ("/widget.js", "widget.js"), ("/console", "console/index.html"),
         ("/console/", "console/index.html"), ("/console/desk/5", "console/index.html"),
         ("/assets/chat-1.js", "assets/chat-1.js")],
    )  # fmt: skip
    async def test_each_path_has_its_page(self, built: Path, http: httpx.AsyncClient, path: str, file: str) -> None:
        assert (await http.get(path)).text == f"this is {file}"

    async def test_pages_are_asked_for_anew_and_their_assets_are_not(
        self, built: Path, http: httpx.AsyncClient
    ) -> None:
        assert (await http.get("/")).headers["cache-control"] == "no-cache"
        assert "no-cache" not in (await http.get("/assets/chat-1.js")).headers.get("cache-control", "")

    @pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt"])
    async def test_nothing_else_is_served(self, built: Path, http: httpx.AsyncClient, path: str) -> None:
        answer = await http.get(path)
        assert answer.status_code == 404
        assert "not a page" not in answer.text

    async def test_unbuilt_pages_say_how_to_build_them(
        self, http: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pages, "DIST", tmp_path / "nothing")
        for path in ("/", "/widget.js", "/console/"):
            answer = await http.get(path)
            assert answer.status_code == 503
            assert re.search("make (setup|up)", answer.text)


def test_the_desk_is_wired_with_the_same_conversations(teller: Teller) -> None:
    assert isinstance(teller.desk, Desk)
    assert teller.desk.conversations is teller.gateway.conversations
