"""What every answer and every request of the door to the outside must keep to."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from core.settings import Settings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY_BYTES = 256 * 1024
TOO_LARGE = (
    b'{"type":"about:blank","title":"\xe5\x86\x85\xe5\xae\xb9\xe5\xa4\xaa\xe5\xa4\xa7","status":413,"code":"too_large"}'
)

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'"
)

# Dictation and calls need the microphone; a page that embeds the chat passes it on by the frame's `allow`.
PERMISSIONS_POLICY = b"microphone=(self), camera=(), geolocation=()"


class SecurityHeaders:
    """Content policy and its companions on every response.

    The chat page alone may be framed, by the allowed origins.
    """

    def __init__(self, app: AsgiApp, settings: Settings) -> None:
        self._app = app
        embedders = " ".join(["'self'", *settings.allowed_origins])
        self._policy = f"{CONTENT_SECURITY_POLICY}; frame-ancestors 'self'".encode()
        self._chat_policy = f"{CONTENT_SECURITY_POLICY}; frame-ancestors {embedders}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == "/docs":
            await self._app(scope, receive, send)
            return
        policy = self._chat_policy if scope["path"] == "/" else self._policy

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message.get("headers", []),
                    (b"content-security-policy", policy),
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"same-origin"),
                    (b"permissions-policy", PERMISSIONS_POLICY),
                ]
            await send(message)

        await self._app(scope, receive, with_headers)


class BodyLimit:
    """Requests beyond the limit end with 413 before they take memory, declared length or not."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > MAX_BODY_BYTES:
            await _refuse(send)
            return
        taken = 0
        refused = False

        async def limited() -> MutableMapping[str, Any]:
            nonlocal taken, refused
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MAX_BODY_BYTES and not refused:
                refused = True
                await _refuse(send)
                return {"type": "http.disconnect"}
            return message

        async def unless_refused(message: MutableMapping[str, Any]) -> None:
            if not refused:
                await send(message)

        await self._app(scope, limited, unless_refused)


async def _refuse(send: Send) -> None:
    headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": TOO_LARGE})
