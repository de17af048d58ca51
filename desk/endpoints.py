"""The desk's API: REST for what agents do, one WebSocket for what happens meanwhile."""

import asyncio
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Query, Request, WebSocket, WebSocketDisconnect

from accounts.access import COOKIE, the_accounts, with_role
from accounts.roles import DESK_ROLES, Role
from accounts.schemas import UserView
from conversations.schemas import Message
from core.problems import InvalidInput
from core.sockets import Connection
from desk.schemas import (
    AgentMessage,
    ArticleMessage,
    ConversationOnDesk,
    Overview,
    PresenceChange,
    ReadUpTo,
    ReturnToBot,
)
from desk.service import Desk
from kb.schemas import MAX_QUERY_CHARS, ArticleDetail, SearchResult

router = APIRouter(prefix="/api/v1", tags=["desk"])
socket_router = APIRouter()

POLICY_VIOLATION = 1008  # RFC 6455 7.4.1
SESSION_CHECK_SECONDS = 60.0


async def the_desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


TheDesk = Annotated[Desk, Depends(the_desk)]
DeskUser = Annotated[UserView, Depends(with_role(*DESK_ROLES))]
KnowledgeUser = Annotated[UserView, Depends(with_role(*DESK_ROLES, Role.KB_MANAGER))]


@router.put("/desk/presence", status_code=204)
async def set_presence(body: PresenceChange, desk: TheDesk, user: DeskUser) -> None:
    await desk.set_presence(user, body.state)


@router.get("/desk/overview")
async def overview(desk: TheDesk, user: DeskUser) -> Overview:
    return await desk.overview(user)


@router.get("/desk/conversations/{conversation}", response_model_by_alias=True)
async def open_conversation(conversation: str, desk: TheDesk, user: DeskUser) -> ConversationOnDesk:
    return await desk.open(user, conversation)


@router.post("/desk/conversations/{conversation}/take", status_code=204)
async def take(conversation: str, desk: TheDesk, user: DeskUser) -> None:
    await desk.take(user, conversation)


@router.post("/desk/conversations/{conversation}/messages", status_code=201)
async def say(conversation: str, body: AgentMessage, desk: TheDesk, user: DeskUser) -> Message:
    return await desk.say(user, conversation, body.text, body.id)


@router.post("/desk/conversations/{conversation}/articles", status_code=201)
async def send_article(conversation: str, body: ArticleMessage, desk: TheDesk, user: DeskUser) -> Message:
    return await desk.send_article(user, conversation, body.key, body.id)


@router.post("/desk/conversations/{conversation}/return", status_code=204)
async def give_back(conversation: str, body: ReturnToBot, desk: TheDesk, user: DeskUser) -> None:
    await desk.give_back(user, conversation, body.note)


@router.post("/desk/conversations/{conversation}/close", status_code=204)
async def close(conversation: str, desk: TheDesk, user: DeskUser) -> None:
    await desk.close(user, conversation)


@router.post("/desk/conversations/{conversation}/typing", status_code=204)
async def typing(conversation: str, desk: TheDesk, user: DeskUser) -> None:
    await desk.typing(user, conversation)


@router.post("/desk/conversations/{conversation}/read", status_code=204)
async def read(conversation: str, body: ReadUpTo, desk: TheDesk, user: DeskUser) -> None:
    await desk.read(user, conversation, body.seq)


@router.get("/knowledge/search")
async def search(
    desk: TheDesk, _user: KnowledgeUser, q: Annotated[str, Query(min_length=1, max_length=MAX_QUERY_CHARS)],
    k: Annotated[int, Query(ge=1, le=20)] = 8,
) -> SearchResult:  # fmt: skip
    if not q.strip():
        raise InvalidInput("q is empty")
    return await desk.knowledge.search(q, k)


@router.get("/knowledge/articles/{key}")
async def article(
    key: str, desk: TheDesk, _user: KnowledgeUser, version: Annotated[int | None, Query(ge=1)] = None
) -> ArticleDetail:
    return await desk.knowledge.article(key, version)


@socket_router.websocket("/ws/desk")
async def desk_socket(socket: WebSocket) -> None:
    """Pushes what an agent needs to see; the only frame it takes is a ping."""
    desk: Desk = socket.app.state.desk
    origin = socket.headers.get("origin")
    user = await (await the_accounts(socket)).of_session(socket.cookies.get(COOKIE, ""))
    same_site = origin is None or urlsplit(origin).netloc == socket.headers.get("host")
    if user is None or user.role not in DESK_ROLES or not same_site:
        await socket.close(POLICY_VIOLATION)
        return
    await socket.accept()
    connection = Connection(socket)
    async with desk.connections.open(user.id, connection):
        overview = await desk.overview(user)
        queue = [item.model_dump(mode="json") for item in overview.queue]
        mine = [item.model_dump(mode="json") for item in overview.mine]
        connection.send({"type": "queue", "queue": queue, "agents_ready": overview.agents_ready})
        connection.send({"type": "mine", "mine": mine})
        await _answer_pings(socket, connection)


async def _answer_pings(socket: WebSocket, connection: Connection) -> None:
    """Until the page leaves, or its session has ended (signed out elsewhere, expired)."""
    accounts = await the_accounts(socket)
    while True:
        try:
            message = await asyncio.wait_for(socket.receive(), SESSION_CHECK_SECONDS)
        except TimeoutError:
            message = {"type": "timeout"}
        except (WebSocketDisconnect, RuntimeError):
            return
        if message["type"] == "websocket.disconnect":
            return
        if await accounts.of_session(socket.cookies.get(COOKIE, "")) is None:
            return
        if message["type"] == "websocket.receive":
            connection.send({"type": "pong"})
