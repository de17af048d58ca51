"""The voice process: `POST /v1/speak` on loopback, for Teller's other processes only.

A process of its own: network and dictionaries take 280 MB and a sentence whole seconds of a core, which neither the
app's memory nor its event loop should bear.
"""

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated, cast

import structlog
from fastapi import Depends, FastAPI, Header, Request, Response
from pydantic import BaseModel, Field

from core.database import Database
from core.logging import configure_logging
from core.problems import Unauthenticated, install_problem_handlers
from core.secrets import ensure_secrets
from core.settings import Settings, get_settings
from voice.problems import NoVoice
from voice.synthesis.ahead import keep_ahead
from voice.synthesis.cache import SoundCache
from voice.synthesis.engines import open_engine
from voice.synthesis.studio import Studio
from voice.synthesis.synthesiser import FASTEST, LOUDEST, QUIETEST, SLOWEST, Engine, Manner, Rate

log = structlog.get_logger()

MOST_CHARS = 200
LONGEST_QUEUE = 30  # sentences; who comes later would wait for half a minute


class Sentence(BaseModel):
    text: str = Field(min_length=1, max_length=MOST_CHARS)
    speed: float = Field(default=1.0, ge=SLOWEST, le=FASTEST)
    volume: float = Field(default=1.0, ge=QUIETEST, le=LOUDEST)
    rate: Rate = 16000


def create_app(settings: Settings | None = None, engine: Engine | None = None) -> FastAPI:
    settings = settings or get_settings()
    token = ensure_secrets(settings).internal_token

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        configure_logging(settings, "voice")
        app.state.studio = studio = await asyncio.to_thread(_studio, settings, engine)
        app.state.waiting = 0
        database = Database(settings.resolved_database_url)
        ahead = asyncio.create_task(keep_ahead(studio, database)) if studio and settings.voice_ahead else None
        log.info("voice ready", engine=studio.engine if studio else None)
        yield
        if ahead:
            ahead.cancel()
            with suppress(asyncio.CancelledError):
                await ahead
        if studio:
            studio.close()
        database.close()

    app = FastAPI(title="Teller voice", lifespan=lifespan)
    install_problem_handlers(app)
    _add_routes(app, token)
    return app


def _studio(settings: Settings, engine: Engine | None) -> Studio | None:
    """None when nothing can speak: the process then says so to whoever asks, and the product goes on without."""
    try:
        engine = engine or open_engine(settings)
    except NoVoice as problem:
        log.error("no voice", reason=problem.detail)
        return None
    cache = SoundCache(settings.data_dir / "voice" / "sounds", settings.voice_cache_mb * 1_000_000)
    return Studio(engine, cache, settings.voice_threads)


def _add_routes(app: FastAPI, token: str) -> None:
    async def authorised(authorization: Annotated[str, Header()] = "") -> None:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            raise Unauthenticated

    async def opened(request: Request) -> Studio:
        if request.app.state.studio is None:
            raise NoVoice("no engine is installed")
        return cast(Studio, request.app.state.studio)

    @app.get("/readyz")
    async def ready(request: Request) -> dict[str, str | None]:
        studio = request.app.state.studio
        return {"status": "ready", "engine": studio.engine if studio else None}

    @app.post("/v1/speak", dependencies=[Depends(authorised)])
    async def speak(sentence: Sentence, request: Request, studio: Annotated[Studio, Depends(opened)]) -> Response:
        """One sentence as PCM."""
        state = request.app.state
        if state.waiting >= LONGEST_QUEUE:
            raise NoVoice("too many sentences are waiting")
        state.waiting += 1
        try:
            manner = Manner(sentence.speed, sentence.volume, sentence.rate)
            spoken = await studio.sentence(sentence.text, manner)
        finally:
            state.waiting -= 1
        return Response(spoken.pcm, media_type="application/octet-stream", headers={"X-Engine": studio.engine})
