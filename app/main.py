"""The app process: the only door to the outside. `bootstrap` wires the rooms; `create_app` is what uvicorn serves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog
from fastapi import FastAPI

from accounts.endpoints import router as accounts_router
from accounts.service import Accounts
from app.health import router as health_router
from app.observation import observe
from app.pages import mount_pages
from app.security import BodyLimit, SecurityHeaders
from conversations.service import Conversations
from core.bus import Bus
from core.clock import Clock, utc_now
from core.database import Database
from core.logging import configure_logging
from core.problems import install_problem_handlers
from core.secrets import ensure_secrets
from core.settings import Settings, get_settings
from desk.endpoints import router as desk_router
from desk.endpoints import socket_router as desk_socket_router
from desk.listeners import listen as listen_for_desk
from desk.service import Desk
from gateway.channels.webchat import router as webchat_router
from gateway.endpoints import router as chat_router
from gateway.idle import keep_closing_idle
from gateway.listeners import listen as listen_for_customers
from gateway.service import Gateway
from gateway.understanding import Rasa, RasaClient
from kb.client import Knowledge, KnowledgeClient

log = structlog.get_logger()

ROUTERS = (health_router, accounts_router, chat_router, webchat_router, desk_router, desk_socket_router)


@dataclass
class Teller:
    """The wired rooms."""

    settings: Settings
    database: Database
    rasa: Rasa
    knowledge: Knowledge
    accounts: Accounts
    conversations: Conversations
    gateway: Gateway
    desk: Desk


def bootstrap(
    settings: Settings, rasa: Rasa | None = None, knowledge: Knowledge | None = None, clock: Clock = utc_now
) -> Teller:
    """Wire the rooms. Tests hand in small fakes of what runs in other processes."""
    secrets = ensure_secrets(settings)
    rasa = rasa or RasaClient(settings, secrets)
    knowledge = knowledge or KnowledgeClient(settings, secrets)
    database, bus = Database(settings.resolved_database_url), Bus()
    accounts = Accounts(settings, database, clock)
    conversations = Conversations(database, bus, clock)
    desk = Desk(database, conversations, accounts, knowledge, clock)
    gateway = Gateway(settings, conversations, rasa, knowledge, desk.agents_ready)
    listen_for_customers(bus, gateway)
    listen_for_desk(bus, desk)
    observe(bus)
    return Teller(settings, database, rasa, knowledge, accounts, conversations, gateway, desk)


def create_app(teller: Teller | None = None) -> FastAPI:
    teller = teller or bootstrap(get_settings())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        configure_logging(teller.settings, "app")
        await teller.desk.everybody_away()
        closing = asyncio.create_task(keep_closing_idle(teller.gateway))
        log.info("app ready", address=teller.settings.app_url)
        yield
        closing.cancel()
        with suppress(asyncio.CancelledError):
            await closing
        for client in (teller.rasa, teller.knowledge):
            if close := getattr(client, "close", None):
                await close()
        teller.database.close()

    app = FastAPI(title="Teller", version="0.1.0", lifespan=lifespan)
    for name, room in vars(teller).items():
        setattr(app.state, name, room)
    install_problem_handlers(app)
    for router in ROUTERS:
        app.include_router(router)
    mount_pages(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders, settings=teller.settings)
    return app
