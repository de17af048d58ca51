"""Is the app alive, and can it serve?"""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text

from core.problems import Unavailable

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def alive() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz")
async def ready(request: Request) -> dict[str, object]:
    """Ready when the database answers. Rasa and the knowledge base are told of, but the app serves without them."""
    state = request.app.state
    try:
        await state.database.read(lambda session: session.scalar(text("SELECT 1")))
    except Exception as error:
        raise Unavailable(f"database: {type(error).__name__}") from error
    return {"status": "ready", "rasa": await state.rasa.is_ready(), "kb": await state.knowledge.is_ready()}


@router.get("/metrics", include_in_schema=False)
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
