"""What most tests stand on: a real database made by the real migrations, small fakes, and a wired Teller."""

import logging
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import structlog
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from app.main import Teller, bootstrap, create_app
from app.processes.database import alembic_configuration
from core.settings import Settings
from tests.fakes import FakeClock, FakeKnowledge, FakeRasa
from tests.postgres import PostgresServer, why_no_server
from tests.serving import serve
from tests.staff import Staff

# Plain lines: the default's picture of every stack with its variables takes seconds.
structlog.configure(
    processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
    cache_logger_on_first_use=False,
)


@pytest.fixture(autouse=True)
def logging_restored() -> Iterator[None]:
    """Commands and the app take over the process's logging, and write where output goes in that test only."""
    root = logging.getLogger()
    handlers, level, configuration = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:], root.level = handlers, level
    structlog.configure(**configuration)
    structlog.contextvars.clear_contextvars()


def migrate(settings: Settings) -> None:
    from alembic import command

    command.upgrade(alembic_configuration(settings), "head")


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database of the newest revision; tests copy it."""
    folder = tmp_path_factory.mktemp("migrated")
    migrate(Settings(data_dir=folder, _env_file=None))  # type: ignore[call-arg]
    return folder / "teller.db"


@pytest.fixture
def settings(tmp_path: Path, migrated_file: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in [name for name in os.environ if name.startswith("TELLER_")]:
        monkeypatch.delenv(name)
    data = tmp_path / "var"
    data.mkdir()
    shutil.copyfile(migrated_file, data / "teller.db")
    return Settings(data_dir=data, _env_file=None)  # type: ignore[call-arg]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    if reason := why_no_server():
        pytest.skip(reason)
    with PostgresServer() as server:
        server.make_database("migrated")
        migrate(Settings(database_url=server.url("migrated"), _env_file=None))  # type: ignore[call-arg]
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A fresh migrated PostgreSQL database."""
    name = postgres_server.copy_database("migrated")
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


ON_BOTH_DATABASES = [
    pytest.param("sqlite", marks=pytest.mark.unit),
    pytest.param("postgresql", marks=pytest.mark.integration),
]


@pytest.fixture(params=ON_BOTH_DATABASES)
def settings_of_each_database(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    if request.param == "sqlite":
        return settings
    return settings.model_copy(update={"database_url": request.getfixturevalue("postgres_url")})


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def knowledge() -> FakeKnowledge:
    return FakeKnowledge()


@pytest.fixture
def rasa(knowledge: FakeKnowledge) -> FakeRasa:
    return FakeRasa(knowledge)


@pytest.fixture
async def teller(
    settings: Settings, rasa: FakeRasa, knowledge: FakeKnowledge, clock: FakeClock
) -> AsyncIterator[Teller]:
    """All rooms, wired as in the product."""
    teller = bootstrap(settings, rasa=rasa, knowledge=knowledge, clock=clock)
    yield teller
    teller.database.close()


@pytest.fixture
async def http(teller: Teller) -> AsyncIterator[httpx.AsyncClient]:
    """The app's HTTP side, without a network and without sign-in."""
    transport = httpx.ASGITransport(create_app(teller), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://teller.test") as client:
        yield client


@pytest.fixture
async def staff(teller: Teller, monkeypatch: pytest.MonkeyPatch) -> Staff:
    quick = PasswordHash([Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)])
    monkeypatch.setattr("accounts.service._hasher", quick)
    return Staff(teller)


@pytest.fixture
async def address(teller: Teller, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Where the app is served on a real port."""
    monkeypatch.setattr("app.main.configure_logging", lambda *_: None)  # the test run's own stays
    async with serve(teller) as address:
        yield address
