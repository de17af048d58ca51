"""The chat over plain HTTP: for the command line and for channels without WebSockets."""

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from conversations.schemas import MAX_SEQ, Message, Rating
from core.database import STORABLE
from gateway.service import Gateway
from gateway.turn import Incoming, TurnResult

router = APIRouter(prefix="/api/v1/chat", tags=["chat"])

ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class StartRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")
    channel: Literal["web", "app", "phone"] = "web"
    elder: bool = False


class StartReply(BaseModel):
    session: str
    token: str
    greeting: dict[str, Any]


class TurnRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: ClientId = Field(default_factory=lambda: uuid.uuid4().hex)
    text: str | None = None
    pick: Annotated[str, StringConstraints(max_length=64)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "TurnRequest":
        if (self.text is None) == (self.pick is None):
            raise ValueError("give either text or pick")
        return self


class RatingRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")
    turn: Annotated[str, StringConstraints(max_length=32, pattern=STORABLE)]
    rating: Rating


async def the_gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


TheGateway = Annotated[Gateway, Depends(the_gateway)]


async def the_conversation(
    session: str, gateway: TheGateway, x_session_token: Annotated[str, Header(max_length=128)] = ""
) -> str:
    """A customer reaches only the conversation that his token opens."""
    return await gateway.conversations.of_customer(session, x_session_token)


TheConversation = Annotated[str, Depends(the_conversation)]


@router.post("/sessions", status_code=201)
async def start(body: StartRequest, request: Request, gateway: TheGateway) -> StartReply:
    view, token = await gateway.start(body.channel, body.elder, request.client.host if request.client else "")
    return StartReply(session=view.id, token=token, greeting=(await gateway.greeting(view.elder)).as_json())


@router.post("/sessions/{session}/turns")
async def take_turn(body: TurnRequest, gateway: TheGateway, conversation: TheConversation) -> TurnResult:
    text = body.text if body.text is not None else await gateway.question_of(body.pick or "")
    return await gateway.turns.handle_turn(Incoming(conversation, body.id, text, pick=body.pick))


@router.get("/sessions/{session}/messages")
async def messages(
    gateway: TheGateway, conversation: TheConversation, after: Annotated[int, Query(ge=0, le=MAX_SEQ)] = 0
) -> list[Message]:
    return await gateway.conversations.messages_after(conversation, after)


@router.post("/sessions/{session}/handoff", status_code=202)
async def hand_off(gateway: TheGateway, conversation: TheConversation) -> dict[str, Any]:
    await gateway.handoff.request(conversation, "asked", "customer")
    owner = (await gateway.conversations.get(conversation)).owner
    return {"owner": owner, "position": (await gateway.handoff.positions()).get(conversation)}


@router.post("/sessions/{session}/ratings", status_code=204)
async def rate(body: RatingRequest, gateway: TheGateway, conversation: TheConversation) -> None:
    await gateway.rate(conversation, body.turn, body.rating)
