"""The understanding stage: Rasa over its own channel, with the knowledge base alone when Rasa does not answer."""

import json
import time
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import structlog
from pydantic import BaseModel, Field, ValidationError

from conversations.ownership import HandoffReason
from core.peers import Peer
from core.problems import Problem, Unavailable
from core.secrets import Secrets
from core.settings import Settings
from kb.client import Knowledge
from kb.schemas import SearchResult

log = structlog.get_logger()

Kind = Literal["knowledge", "task", "handoff", "control", "social", "failure"]


@dataclass(frozen=True)
class Understanding:
    """What was made of one customer message."""

    kind: Kind
    texts: list[str] = field(default_factory=list)  # the bot's own words, if any
    search: SearchResult | None = None
    handoff_reason: str | None = None
    handoff_priority: int = 0
    offer_person: bool = False
    control: str | None = None
    intent: str | None = None
    confidence: float | None = None
    ranking: list[dict[str, Any]] = field(default_factory=list)
    entities: list[dict[str, Any]] = field(default_factory=list)
    model: str | None = None
    failure: str | None = None  # the stage that did not answer
    timings_ms: dict[str, float] = field(default_factory=dict)


class Rasa(Protocol):
    async def understand(self, sender: str, message_id: str, text: str, channel: str, elder: bool) -> Understanding:
        """Raises Unavailable when Rasa does not give a usable answer within its budget."""
        ...


class RasaClient:
    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        headers = {"X-Teller-Token": secrets.internal_token}
        self._process = Peer("rasa", settings.rasa_url, headers, settings.rasa_seconds)

    async def understand(self, sender: str, message_id: str, text: str, channel: str, elder: bool) -> Understanding:
        metadata = {"channel": channel, "elder": elder}
        body = {"sender": sender, "message": text, "message_id": message_id, "metadata": metadata}
        status, reply = await self._process.call("POST", "/webhooks/gateway/message", json=body)
        if status != 200:
            raise Unavailable(f"rasa answered {status}")
        try:
            return read_reply(json.loads(reply))
        except (ValueError, KeyError, TypeError) as error:
            raise Unavailable(f"rasa: {type(error).__name__}") from error

    async def is_ready(self) -> bool:
        return await self._process.answers("/webhooks/gateway/health")

    async def close(self) -> None:
        await self._process.close()


class _RasaMessage(BaseModel):
    text: str | None = None
    custom: dict[str, Any] | None = None


class _RasaIntent(BaseModel):
    name: str | None = None
    confidence: float | None = None


class _RasaReply(BaseModel):
    """What our channel in Rasa answers."""

    messages: list[_RasaMessage]
    intent: _RasaIntent
    ranking: list[dict[str, Any]] = Field(default_factory=list)
    entities: list[dict[str, Any]] = Field(default_factory=list)
    model_id: str | None = None


def read_reply(body: Any) -> Understanding:
    """The channel's JSON to an Understanding. Raises ValueError, KeyError or TypeError when it is not of that form."""
    reply = _RasaReply.model_validate(body)
    payloads = [message.custom for message in reply.messages if message.custom]
    texts = [message.text for message in reply.messages if message.text]
    if not payloads and not texts:
        raise ValueError("no messages")  # Rasa says 200 even when its action server is down
    by_kind = {payload["kind"]: payload for payload in payloads}
    common: dict[str, Any] = {
        "texts": texts,
        "intent": reply.intent.name,
        "confidence": reply.intent.confidence,
        "ranking": reply.ranking,
        "entities": reply.entities,
        "model": reply.model_id,
    }
    failure = by_kind.get("failure", {}).get("stage")
    search = _search_of(by_kind.get("knowledge") or by_kind.get("task") or {})
    if handoff := by_kind.get("handoff"):  # first of all: a person is due even when nothing else could be found
        reason, priority = HandoffReason(handoff["reason"]), int(handoff.get("priority", 0))
        common |= {"handoff_reason": reason, "handoff_priority": priority}
        return Understanding("handoff", search=search, failure=failure, **common)
    if failure:
        return Understanding("failure", failure=failure, **common)
    if task := by_kind.get("task"):
        return Understanding("task", search=search, offer_person=bool(task.get("offer_person")), **common)
    if "knowledge" in by_kind:
        return Understanding("knowledge", search=search, **common)
    if control := by_kind.get("control"):
        return Understanding("control", control=control["control"], **common)
    return Understanding("social", **common)


def _search_of(payload: dict[str, Any]) -> SearchResult | None:
    """The search in a payload. The bot may decide more strictly than the search did; its word counts."""
    if not payload.get("search"):
        return None
    search = SearchResult.model_validate(payload["search"])
    return search.model_copy(update={"decision": payload.get("decision", search.decision)})


async def understand(
    rasa: Rasa, knowledge: Knowledge, sender: str, message_id: str, text: str, channel: str, elder: bool
) -> Understanding:
    """Rasa's understanding; without Rasa the knowledge base's; without both a failure that says so."""
    started = time.perf_counter()
    try:
        understood = await rasa.understand(sender, message_id, text, channel, elder)
        return _timed(understood, "rasa", started)
    except Unavailable as problem:
        log.error("rasa did not answer", problem=problem.detail)
    try:
        search = await knowledge.search(text, channel=channel)
        return _timed(Understanding("knowledge", search=search, failure="rasa"), "kb", started)
    except (Problem, ValidationError) as problem:
        log.error("the knowledge base did not answer either", problem=str(problem))
        return _timed(Understanding("failure", failure="rasa+kb"), "kb", started)


def _timed(understood: Understanding, stage: str, started: float) -> Understanding:
    timings = {stage: round((time.perf_counter() - started) * 1000, 2)}
    if understood.search:
        timings |= {f"kb_{name}": value for name, value in understood.search.timings_ms.items()}
    return Understanding(**(understood.__dict__ | {"timings_ms": timings}))
