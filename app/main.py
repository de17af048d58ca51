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
from app.spoken_turns import SpokenTurns
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
from voice.channels.browser import router as browser_call_router
from voice.endpoints import router as voice_router
from voice.listeners import listen as listen_for_calls
from voice.recognition import RecogniserClient, model_name
from voice.recordings import Recordings
from voice.service import Parts, Voice
from voice.synthesis.client import SynthesisClient

log = structlog.get_logger()

ROUTERS = (
    health_router, accounts_router, chat_router, webchat_router, desk_router, desk_socket_router, voice_router,
    browser_call_router,
)  # fmt: skip


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
    voice: Voice


def bootstrap(
    settings: Settings, rasa: Rasa | None = None, knowledge: Knowledge | None = None, clock: Clock = utc_now,
    speech: Parts | None = None,
) -> Teller:  # fmt: skip
    """Wire the rooms. Tests hand in small fakes of what runs in other processes."""
    secrets = ensure_secrets(settings)
    rasa = rasa or RasaClient(settings, secrets)
    knowledge = knowledge or KnowledgeClient(settings, secrets)
    database, bus = Database(settings.resolved_database_url), Bus()
    accounts = Accounts(settings, database, clock)
    conversations = Conversations(database, bus, clock)
    desk = Desk(database, conversations, accounts, knowledge, clock)
    gateway = Gateway(settings, conversations, rasa, knowledge, desk.agents_ready)
    speech = speech or Parts(
        RecogniserClient(settings.asr_url, model_name(settings)), SynthesisClient(settings, secrets)
    )
    recordings = Recordings(settings, database, clock)
    voice = Voice(settings, conversations, SpokenTurns(gateway, conversations), speech, recordings)
    listen_for_calls(bus, voice)
    listen_for_customers(bus, gateway)
    listen_for_desk(bus, desk)
    observe(bus)
    return Teller(settings, database, rasa, knowledge, accounts, conversations, gateway, desk, voice)


def create_app(teller: Teller | None = None) -> FastAPI:
    teller = teller or bootstrap(get_settings())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        configure_logging(teller.settings, "app")
        await teller.desk.everybody_away()
        tasks = [
            asyncio.create_task(keep_closing_idle(teller.gateway)),
            asyncio.create_task(teller.voice.recordings.keep_deleting()),
        ]
        log.info("app ready", address=teller.settings.app_url)
        yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await teller.voice.close()
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
