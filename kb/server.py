"""The knowledge process: search and articles over HTTP, on loopback, for Teller's other processes only."""

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated

import structlog
from fastapi import Depends, FastAPI, Header, Query, Request, Response

from core.database import Database
from core.logging import configure_logging
from core.problems import InvalidInput, Unauthenticated, Unavailable, install_problem_handlers
from core.secrets import Secrets, ensure_secrets
from core.settings import Settings, get_settings
from kb.schemas import ArticleDetail, ArticleIn, ArticleList, SearchRequest, SearchResult
from kb.service import KnowledgeBase

log = structlog.get_logger()

FOLLOW_SECONDS = 1.0  # how soon a change by another process is searched
REFIT_AFTER_SECONDS = 5.0  # without a further change
REFIT_AT_LATEST_SECONDS = 60.0


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or get_settings()
    secrets = ensure_secrets(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        configure_logging(settings, "kb")
        database = Database(settings.resolved_database_url)
        app.state.knowledge = await KnowledgeBase.open(settings, database)
        tasks = [
            asyncio.create_task(_follow(app.state.knowledge)),
            asyncio.create_task(_keep_fitted(app.state.knowledge)),
        ]
        log.info("knowledge base ready", **app.state.knowledge.status())
        yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        database.close()

    # No redirects: an empty key in an address is an article that does not exist, not the list of all.
    app = FastAPI(title="Teller knowledge base", lifespan=lifespan, redirect_slashes=False)
    install_problem_handlers(app)
    _add_routes(app, secrets)
    return app


def _add_routes(app: FastAPI, secrets: Secrets) -> None:
    async def authorised(authorization: Annotated[str, Header()] = "") -> None:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {secrets.internal_token}".encode()):
            raise Unauthenticated

    async def opened(request: Request) -> KnowledgeBase:
        knowledge: KnowledgeBase | None = getattr(request.app.state, "knowledge", None)
        if knowledge is None:
            raise Unavailable
        return knowledge

    Knowledge = Annotated[KnowledgeBase, Depends(opened)]  # noqa: N806 (a type)
    protected = [Depends(authorised)]

    @app.get("/healthz")
    async def alive() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    async def ready(_knowledge: Knowledge) -> dict[str, str]:
        return {"status": "ready"}

    @app.post("/v1/search", dependencies=protected)
    async def search(body: SearchRequest, knowledge: Knowledge) -> SearchResult:
        return await knowledge.search(body)

    @app.get("/v1/articles", dependencies=protected)
    async def articles(
        knowledge: Knowledge,
        category: str | None = None,
        q: Annotated[str | None, Query(max_length=200)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        offset: Annotated[int, Query(ge=0)] = 0,
    ) -> ArticleList:
        return await knowledge.page(category, q, limit, offset)

    @app.get("/v1/articles/{key}", dependencies=protected)
    async def article(
        key: str, knowledge: Knowledge, version: Annotated[int | None, Query(ge=1)] = None
    ) -> ArticleDetail:
        return await knowledge.get(key, version)

    @app.put("/v1/articles/{key}", dependencies=protected)
    async def put(
        key: str, body: ArticleIn, knowledge: Knowledge, if_match: Annotated[int | None, Header()] = None,
        x_author: Annotated[str, Header(max_length=64)] = "api",
    ) -> ArticleDetail:  # fmt: skip
        if body.key != key:
            raise InvalidInput(f"the article's key is {body.key}, the address names {key}")
        (stored,) = await knowledge.put([body], x_author, if_match)
        return await knowledge.get(key, stored.version)  # by now another writer may have changed or removed it

    @app.delete("/v1/articles/{key}", dependencies=protected, status_code=204)
    async def delete(key: str, knowledge: Knowledge) -> Response:
        await knowledge.delete(key)
        return Response(status_code=204)

    @app.get("/v1/status", dependencies=protected)
    async def status(knowledge: Knowledge) -> dict[str, object]:
        return knowledge.status()


async def _follow(knowledge: KnowledgeBase) -> None:
    while True:
        await asyncio.sleep(FOLLOW_SECONDS)
        try:
            await knowledge.follow()
            await knowledge.adopt_news()
        except Exception:
            log.exception("the index could not follow the database; trying again")


async def _keep_fitted(knowledge: KnowledgeBase) -> None:
    """Fit the scorer anew once the knowledge has changed and rests, or has changed for a minute."""
    waited = 0.0
    seen = knowledge.engine.snapshot.corpus.generation
    while True:
        await asyncio.sleep(REFIT_AFTER_SECONDS)
        snapshot = knowledge.engine.snapshot
        rests, seen = snapshot.corpus.generation == seen, snapshot.corpus.generation
        waited = waited + REFIT_AFTER_SECONDS if snapshot.is_stale else 0.0
        if snapshot.is_stale and (rests or waited >= REFIT_AT_LATEST_SECONDS):
            try:
                await knowledge.refit()
                waited = 0.0
            except Exception:
                log.exception("the scorer could not be fitted; the old one stays in use")
