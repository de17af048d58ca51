"""A knowledge base over six articles with a fake encoder for units; the real model and server for integration."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from core.database import Database
from core.secrets import ensure_secrets
from core.settings import PROJECT, Settings
from kb.commands import import_file, load_and_build
from kb.corpus import Vectors
from kb.embedding.unpack import unpack
from kb.repository import ArticleRepository
from kb.schemas import ArticleIn
from kb.search import Snapshot
from kb.service import KnowledgeBase
from kb.training import build_snapshot
from kb.transfer import SHIPPED_ARTICLES, read_articles, write_articles
from tests.kb import sample
from tests.kb.fake_encoder import FakeEncoder

START_SECONDS = 180.0
SOME = 40  # of the shipped articles, where the whole base would only take longer


@pytest.fixture
def small_evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample's calibration questions and negatives instead of the shipped ones."""
    sets = {"CALIBRATION": sample.calibration(), "AMBIGUOUS": sample.ambiguous(), "NEGATIVES": sample.negatives()}
    for name, questions in sets.items():
        path = tmp_path / f"{name.lower()}.jsonl"
        rows = [{"text": q.text, "key": q.key, "also": [*q.also], "ambiguous": q.ambiguous} for q in questions]
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        monkeypatch.setattr(f"kb.training.{name}", path)


@pytest.fixture
def encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture
def snapshot(small_evaluation: None, encoder: FakeEncoder) -> Snapshot:
    return build_snapshot([sample.stored(article) for article in sample.articles()], 6, Vectors(encoder, {}))


@pytest.fixture
def faked(small_evaluation: None, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch) -> FakeEncoder:
    """Whoever opens a knowledge base gets the fake encoder."""
    monkeypatch.setattr("kb.service.load_encoder", lambda _model, _prefix: encoder)
    return encoder


async def open_with(settings: Settings, articles: list[ArticleIn]) -> KnowledgeBase:
    """A knowledge base whose database holds these articles."""
    database = Database(settings.resolved_database_url)
    with database.writing() as session:
        for article in articles:
            ArticleRepository(session).put(article, "test")
    return await KnowledgeBase.open(settings, database)


@pytest.fixture
async def knowledge_base(settings: Settings, faked: FakeEncoder) -> AsyncIterator[KnowledgeBase]:
    """The sample's articles, on SQLite."""
    knowledge = await open_with(settings, sample.articles())
    yield knowledge
    knowledge.database.close()


@dataclass
class Server:
    """A running knowledge process."""

    settings: Settings
    http: httpx.Client
    process: subprocess.Popen[bytes]


@contextmanager
def serving(settings: Settings) -> Iterator[Server]:
    """The real process, as the product starts it, on the settings' data folder and a free port."""
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        port = int(attempt.getsockname()[1])
    settings = settings.model_copy(update={"kb_port": port})
    own = {name: value for name, value in os.environ.items() if not name.startswith("TELLER_")}
    environment = own | {
        "TELLER_DATA_DIR": str(settings.data_dir), "TELLER_EMBEDDING_MODEL": settings.embedding_folder,
        "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "uvicorn", "--factory", "kb.server:create_app", "--port", str(port)]
    process = subprocess.Popen(command, cwd=PROJECT, env=environment)
    token = ensure_secrets(settings).internal_token
    try:
        with httpx.Client(
            base_url=settings.kb_url, headers={"Authorization": f"Bearer {token}"}, timeout=30, trust_env=False
        ) as http:
            _wait(process, http)
            yield Server(settings, http, process)
    finally:
        process.terminate()
        process.wait(30)


def _wait(process: subprocess.Popen[bytes], http: httpx.Client) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the knowledge process ended while it started"
        try:
            if http.get("/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError("the knowledge process did not become ready")


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked model of this installation, or one unpacked for these tests."""
    installed = Path(os.environ.get("TELLER_EMBEDDING_MODEL") or Settings(_env_file=None).embedding_folder)  # type: ignore[call-arg]
    if installed.is_dir():
        return installed
    folder = tmp_path_factory.mktemp("models") / "e5-small-zh"
    unpack(folder)
    return folder


def _fresh(folder: Path, migrated_file: Path, model_folder: Path) -> Settings:
    """An empty database beside the newest index that there is: its vectors need not be made again."""
    shutil.copyfile(migrated_file, folder / "teller.db")
    built = [path for path in (PROJECT / "var" / "kb", PROJECT / "var" / "test" / "kb") if path.is_dir()]
    if built:
        shutil.copytree(max(built, key=lambda path: path.stat().st_mtime), folder / "kb")
    return Settings(data_dir=folder, embedding_model=str(model_folder), _env_file=None)  # type: ignore[call-arg]


@pytest.fixture(scope="session")
def built_with_some(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path, model_folder: Path) -> Settings:
    """Some of the shipped articles with the real model's index. Read only: tests copy the folder."""
    settings = _fresh(tmp_path_factory.mktemp("some"), migrated_file, model_folder)
    chosen = read_articles(SHIPPED_ARTICLES)[:: 195 // SOME][:SOME]
    lines = settings.data_dir / "articles.jsonl"
    write_articles(chosen, lines)
    import_file(settings, lines)
    load_and_build(settings)
    return settings


@pytest.fixture
def some_settings(built_with_some: Settings, tmp_path: Path) -> Settings:
    folder = tmp_path / "some"
    shutil.copytree(built_with_some.data_dir, folder)
    return built_with_some.model_copy(update={"data_dir": folder})


@pytest.fixture(scope="session")
def built_with_all(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path, model_folder: Path) -> Settings:
    """All shipped articles with the real model's index."""
    settings = _fresh(tmp_path_factory.mktemp("all"), migrated_file, model_folder)
    load_and_build(settings)
    return settings
