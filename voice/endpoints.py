"""What the console's pages ask of calls."""

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request, Response

from accounts.access import the_accounts, with_role
from accounts.roles import Role
from accounts.schemas import UserView
from accounts.service import Accounts
from voice.recordings import Recordings

router = APIRouter(prefix="/api/v1", tags=["voice"])

LISTENERS = (Role.AGENT, Role.SUPERVISOR, Role.TRAINER, Role.ADMINISTRATOR)


async def the_recordings(request: Request) -> Recordings:
    return cast(Recordings, request.app.state.voice.recordings)


@router.get(
    "/conversations/{conversation}/turns/{turn}/audio",
    response_class=Response,
    responses={200: {"content": {"audio/flac": {}}}, 404: {"description": "this turn has no recording"}},
)
async def turn_audio(
    conversation: str,
    turn: str,
    user: Annotated[UserView, Depends(with_role(*LISTENERS))],
    accounts: Annotated[Accounts, Depends(the_accounts)],
    recordings: Annotated[Recordings, Depends(the_recordings)],
) -> Response:
    """What the customer said in a turn, as FLAC. Every listening is audited."""
    sound = await recordings.of_turn(conversation, turn)
    await accounts.audit(user.id, "listen_recording", sound.recording, conversation=conversation, turn=turn)
    return Response(sound.content, media_type="audio/flac", headers={"Cache-Control": "private, no-store"})
