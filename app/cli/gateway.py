"""The running gateway over HTTP, as a customer's channel uses it, and this command line's open conversations."""

import fcntl
import json
import os
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from app.cli.errors import CommandFailed, NotRunning

ANSWER_SECONDS = 60
KEPT_SESSIONS = 500

# Our own gateway is never behind the proxy of the environment.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class SessionGone(CommandFailed):
    """The gateway does not know the conversation any more, or it has ended."""


class Gateway:
    """The HTTP side of the customers' chat: POST /api/v1/chat/…"""

    def __init__(self, url: str) -> None:
        self.url = url

    def open(self, channel: str) -> dict[str, Any]:
        """Begin a conversation: {"session", "token", "greeting"}."""
        return self._ask("POST", "/api/v1/chat/sessions", {"channel": channel, "elder": False})

    def turn(self, session: str, token: str, **content: str) -> dict[str, Any]:
        """One turn with `text` or `pick`. Raises SessionGone."""
        body = {"id": str(uuid.uuid4()), **content}
        return self._ask("POST", f"{_path(session)}/turns", body, token)

    def messages(self, session: str, token: str, after: int) -> list[dict[str, Any]]:
        """The conversation's messages with a number above `after`."""
        return list(self._ask("GET", f"{_path(session)}/messages?after={after}", None, token)["messages"])

    def hand_off(self, session: str, token: str) -> dict[str, Any]:
        """Ask for a person."""
        return self._ask("POST", f"{_path(session)}/handoff", {"id": str(uuid.uuid4())}, token)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None, token: str | None = None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"} | ({"X-Session-Token": token} if token else {})
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)  # noqa: S310
        try:
            with _DIRECT.open(request, timeout=ANSWER_SECONDS) as response:
                return dict(json.loads(response.read() or b"{}"))
        except urllib.error.HTTPError as error:
            raise _refusal(error, bool(token)) from None
        except TimeoutError:
            raise CommandFailed(f"the gateway did not answer within {ANSWER_SECONDS} s", code="timeout") from None
        except (urllib.error.URLError, ConnectionError) as error:
            raise NotRunning(self.url) from error
        except (ValueError, TypeError):
            raise CommandFailed(f"what answers at {self.url} is not Teller's gateway", code="not_teller") from None


def _path(session: str) -> str:
    return f"/api/v1/chat/sessions/{quote(session, safe='')}"


def _refusal(error: urllib.error.HTTPError, in_session: bool) -> CommandFailed:
    try:
        problem = json.loads(error.read())
        assert isinstance(problem, dict)
    except (ValueError, AssertionError):
        problem = {}
    detail = problem.get("detail") or problem.get("title") or f"the gateway answered {error.code}"
    code = str(problem.get("code", "gateway_error"))
    if in_session and error.code in (401, 403, 404, 409, 410):
        return SessionGone(detail, code=code, status=error.code)
    extra = {key: value for key, value in problem.items() if key in ("fields", "retry")}
    return CommandFailed(_with_fields(detail, problem), code=code, status=error.code, **extra)


def _with_fields(detail: str, problem: dict[str, Any]) -> str:
    fields = problem.get("fields")
    if not isinstance(fields, list):
        return detail
    return "; ".join(
        [detail, *(f"{item.get('field')}: {item.get('problem')}" for item in fields if isinstance(item, dict))]
    )


class OpenSessions:
    """Names of conversations with their session ids and tokens, in a file that only its owner can read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, name: str) -> tuple[str, str] | None:
        """(session, token) of the conversation `name`."""
        entry = self._read().get(name)
        return (entry["session"], entry["token"]) if entry else None

    def put(self, name: str, session: str, token: str) -> None:
        """Remember a conversation; the oldest are forgotten beyond KEPT_SESSIONS."""
        with self._locked():
            entries = self._read()
            entries.pop(name, None)
            entries[name] = {"session": session, "token": token}
            draft = self.path.with_suffix(".new")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(dict(list(entries.items())[-KEPT_SESSIONS:]), file)
            os.replace(draft, self.path)

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            return dict(json.loads(self.path.read_text()))
        except (FileNotFoundError, ValueError):
            return {}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class Conversation:
    """One conversation through the gateway, found again by its name or begun when there is none."""

    def __init__(self, gateway: Gateway, sessions: OpenSessions, name: str | None, channel: str) -> None:
        self.gateway, self.sessions, self.channel = gateway, sessions, channel
        self.greeting: dict[str, Any] | None = None
        known = sessions.get(name) if name else None
        if known:
            self.name, (self.session, self.token) = str(name), known
        else:
            self._begin(name)

    def _begin(self, name: str | None) -> None:
        opened = self.gateway.open(self.channel)
        self.session, self.token, self.greeting = opened["session"], opened["token"], opened.get("greeting")
        self.name = name or self.session
        self.sessions.put(self.name, self.session, self.token)

    def say(self, **content: str) -> dict[str, Any]:
        """One turn (`text` or `pick`); a conversation that has ended meanwhile is begun anew under its name."""
        try:
            return self.gateway.turn(self.session, self.token, **content)
        except SessionGone:
            self._begin(self.name)
            return self.gateway.turn(self.session, self.token, **content)
