"""The one door into Rasa: the gateway's own input channel.

Rasa's REST channel has no authentication, answers 200 with no messages when something fails, and does not say what was
understood. This one does the opposite of all three.
"""

import hmac
import json
import logging
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, UserMessage
from rasa.shared.core.events import UserUttered
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

logger = logging.getLogger(__name__)

TOKEN_HEADER = "X-Teller-Token"  # noqa: S105 (a header's name)
MAX_MESSAGE_CHARS = 500
MAX_ID_CHARS = 200
MAX_BODY_BYTES = 16_384
RANKING = 3
# C0 without tab and newline, DEL, C1: nothing a person types, and some of it breaks logs and databases.
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class BadMessage(Exception):
    """The request is not a message; `code` is stable, `detail` is for people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class IncomingMessage:
    """One checked message of the gateway."""

    sender: str
    text: str
    message_id: str | None
    metadata: dict[str, Any]

    @classmethod
    def from_body(cls, body: bytes) -> "IncomingMessage":
        """Check the request's body. Raises BadMessage."""
        if len(body) > MAX_BODY_BYTES:
            raise BadMessage("message_too_long", f"a request has at most {MAX_BODY_BYTES} bytes")
        try:
            fields = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise BadMessage("invalid_json", "the body is not JSON") from error
        if not isinstance(fields, dict):
            raise BadMessage("invalid_json", "the body is not a JSON object")
        metadata = fields.get("metadata") or {}
        if not isinstance(metadata, dict):
            raise BadMessage("invalid_message", "metadata is not an object")
        return cls(
            sender=_identifier(fields, "sender"),
            text=_message_text(fields.get("message")),
            message_id=_identifier(fields, "message_id") if fields.get("message_id") is not None else None,
            metadata=metadata,
        )


def _identifier(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_ID_CHARS or not value.isprintable():
        raise BadMessage("invalid_message", f"{name} is not a string of 1 to {MAX_ID_CHARS} printable characters")
    return value


def _message_text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadMessage("invalid_message", "message is not a string")
    # A lone surrogate is valid JSON but no text: it cannot be written to any log or database.
    text = CONTROL_CHARACTERS.sub("", value).encode("utf-8", "ignore").decode("utf-8").strip()
    if not text:
        raise BadMessage("empty_message", "message is empty")
    if len(text) > MAX_MESSAGE_CHARS:
        raise BadMessage("message_too_long", f"message has more than {MAX_MESSAGE_CHARS} characters")
    # Rasa takes "/name" for an intent and obeys it: a customer could fire any intent and set any slot.
    return "／" + text[1:] if text.startswith("/") else text


class GatewayChannel(InputChannel):
    """`POST /webhooks/gateway/message` and `GET /webhooks/gateway/health`."""

    @classmethod
    def name(cls) -> str:
        return "gateway"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> "GatewayChannel":
        """The token is TELLER_INTERNAL_TOKEN. Raises RuntimeError where it is not set."""
        token = os.environ.get("TELLER_INTERNAL_TOKEN", "")
        if not token:
            raise RuntimeError("TELLER_INTERNAL_TOKEN is not set")
        return cls(token)

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        routes = Blueprint("gateway_channel")

        @routes.get("/health")
        async def health(request: Request) -> HTTPResponse:
            agent = getattr(request.app.ctx, "agent", None)
            if agent is None or not agent.is_ready():
                return _problem(503, "not_ready", "no model is loaded")
            return response.json({"status": "ok"})

        @routes.post("/message")
        async def message(request: Request) -> HTTPResponse:
            if not self._knows(request.headers.get(TOKEN_HEADER, "")):
                return _problem(401, "unauthorized", f"header {TOKEN_HEADER} is missing or wrong")
            try:
                incoming = IncomingMessage.from_body(request.body)
            except BadMessage as refusal:
                return _problem(400, refusal.code, refusal.detail)
            return await self._take(request, incoming, on_new_message)

        return routes

    def _knows(self, presented: str) -> bool:
        return hmac.compare_digest(presented.encode("utf-8", "replace"), self._token)

    async def _take(
        self,
        request: Request,
        incoming: IncomingMessage,
        on_new_message: Callable[[UserMessage], Awaitable[Any]],
    ) -> HTTPResponse:
        output = CollectingOutputChannel()
        try:
            await on_new_message(
                UserMessage(
                    incoming.text,
                    output,
                    incoming.sender,
                    input_channel=self.name(),
                    message_id=incoming.message_id,
                    metadata=incoming.metadata,
                )
            )
            agent = request.app.ctx.agent
            tracker = await agent.tracker_store.retrieve(incoming.sender)
            understood = tracker.latest_message if tracker is not None else None
        except Exception:
            # Never the text: it may hold card numbers.
            logger.exception("turn failed")
            return _problem(500, "turn_failed", "the turn raised an exception")
        if not output.messages or understood is None:
            # Rasa goes on without a word when the action server is down.
            logger.error("turn gave no message")
            return _problem(500, "no_reply", "the turn gave no message")
        return response.json(_reply(output.messages, understood, agent.model_id))


def _reply(messages: list[dict[str, Any]], understood: UserUttered, model_id: str | None) -> dict[str, Any]:
    ranking = understood.parse_data.get("intent_ranking") or []
    guesses = [_named(guess) for guess in ranking if guess.get("name") != "nlu_fallback"]
    return {
        "messages": [{"text": message.get("text"), "custom": message.get("custom")} for message in messages],
        "intent": _named(understood.intent),
        "ranking": guesses[:RANKING],
        "entities": [_entity(entity) for entity in understood.entities],
        "model_id": model_id or "",
    }


def _named(intent: dict[str, Any]) -> dict[str, Any]:
    return {"name": intent.get("name") or "nlu_fallback", "confidence": round(float(intent.get("confidence") or 0), 4)}


def _entity(entity: dict[str, Any]) -> dict[str, Any]:
    return {name: entity.get(name) for name in ("entity", "value", "start", "end")}


def _problem(status: int, code: str, detail: str) -> HTTPResponse:
    """Problem details (RFC 9457) with a stable code."""
    titles = {400: "Bad Request", 401: "Unauthorized", 500: "Internal Server Error", 503: "Service Unavailable"}
    body = {"type": "about:blank", "title": titles[status], "status": status, "code": code, "detail": detail}
    return response.json(body, status=status, content_type="application/problem+json")
