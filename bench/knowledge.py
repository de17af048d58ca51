"""The knowledge base: how fast it searches, how much it slows down while it is updated, and its memory.

The baseline of a search is the plain way to do it with the same model: sentence-transformers' vector of the question
(PyTorch, fp32) and a flat FAISS search over the same wordings. It finds neighbours only; ours also scores all articles
and decides. Everything runs on a copy of the shipped knowledge, never on the installation's own.
"""

import asyncio
import contextlib
import itertools
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import faiss
import httpx
import numpy as np
import psutil

from app.setup.data import migrate
from core.database import Database
from core.secrets import ensure_secrets
from core.settings import PROJECT, Settings
from kb.commands import import_file, load_and_build
from kb.embedding.encoder import SentenceTransformerEncoder
from kb.questions import HELD_OUT, read_questions
from kb.search import SearchEngine
from kb.service import KnowledgeBase
from kb.transfer import SHIPPED_ARTICLES, read_articles

NEIGHBOURS = 20
WARM_UP = 20
CUSTOMERS = 8
ROUNDS = 3
SECONDS = 6.0
UPDATES_A_SECOND = 10
START_SECONDS = 120.0


@dataclass(frozen=True)
class Row:
    """Milliseconds of one way of searching."""

    name: str
    milliseconds: Sequence[float]

    def percentile(self, share: float) -> float:
        return float(np.percentile(self.milliseconds, share))

    def __str__(self) -> str:
        return f"{self.name}: " + "  ".join(f"p{share} {self.percentile(share):.1f} ms" for share in (50, 95, 99))


def main(settings: Settings) -> None:
    with tempfile.TemporaryDirectory() as folder:
        copied = _copy(settings, Path(folder))
        ours, embed, rank, baseline = asyncio.run(_latency(copied))
        for row in (ours, embed, rank, baseline):
            print(row)
        print(f"search, ratio of the medians: {ours.percentile(50) / baseline.percentile(50):.2f}")
        with _serving(copied) as (url, process):
            asyncio.run(_print_throughput(url, copied))
            print(f"memory of the knowledge process: {process.memory_full_info().pss / 1e6:.0f} MB")


def _copy(settings: Settings, folder: Path) -> Settings:
    """The shipped articles in a database of their own, with the installation's index where that fits."""
    changes = {"data_dir": folder, "database_url": "", "embedding_model": settings.embedding_folder}
    copied = settings.model_copy(update=changes)
    migrate(copied)
    import_file(copied, SHIPPED_ARTICLES)
    if (settings.data_dir / "kb").is_dir():
        shutil.copytree(settings.data_dir / "kb", folder / "kb")
    load_and_build(copied)
    return copied


async def _latency(settings: Settings) -> tuple[Row, Row, Row, Row]:
    """Ours whole, its two stages, and the baseline; both ways are asked each question in turns."""
    with contextlib.closing(Database(settings.resolved_database_url)) as database:
        engine = (await KnowledgeBase.open(settings, database)).engine
    plain = _plain_search(engine, settings)
    questions = [question.text for question in read_questions(HELD_OUT)]
    for text in questions[:WARM_UP]:
        engine.search(text)
        plain(text)
    ours, embed, rank, baseline = [], [], [], []
    for text in questions[WARM_UP:]:
        started = time.perf_counter()
        stages = engine.search(text).timings_ms
        ours.append((time.perf_counter() - started) * 1000)
        embed.append(stages["embed"])
        rank.append(stages["rank"])
        started = time.perf_counter()
        plain(text)
        baseline.append((time.perf_counter() - started) * 1000)
    return (
        Row("search", ours),
        Row("  of it embedding (ONNX int8)", embed),
        Row("  of it ranking and deciding", rank),
        Row("baseline, sentence-transformers fp32 and FAISS flat", baseline),
    )


def _plain_search(engine: SearchEngine, settings: Settings) -> Callable[[str], None]:
    corpus = engine.snapshot.corpus
    model = SentenceTransformerEncoder(settings.embedding_folder, settings.embedding_prefix)
    index = faiss.IndexFlatIP(model.dimension)
    index.add(corpus.index.vectors(list(corpus.wordings)))

    def search(text: str) -> None:
        index.search(model.encode([text]), NEIGHBOURS)

    return search


@contextmanager
def _serving(settings: Settings) -> Iterator[tuple[str, psutil.Process]]:
    """The knowledge process on a port of its own."""
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        port = int(attempt.getsockname()[1])
    own = {name: value for name, value in os.environ.items() if not name.startswith("TELLER_")}
    environment = own | {
        "TELLER_DATA_DIR": str(settings.data_dir),
        "TELLER_EMBEDDING_MODEL": settings.embedding_folder,
        "TELLER_EMBEDDING_PREFIX": settings.embedding_prefix,
        "TELLER_LOG_LEVEL": "WARNING",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "uvicorn", "--factory", "kb.server:create_app", "--port", str(port)]
    process = subprocess.Popen(command, cwd=PROJECT, env=environment)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process)
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", trust_env=False).is_success:
                return
        time.sleep(0.2)
    raise RuntimeError("the knowledge process did not become ready")


async def _print_throughput(url: str, settings: Settings) -> None:
    held_out = itertools.cycle(read_questions(HELD_OUT))
    # No two alike: the vector of a question that was just asked would be remembered.
    questions = (f"{question.text}，{number}" for number, question in enumerate(held_out))
    headers = {"Authorization": f"Bearer {ensure_secrets(settings).internal_token}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60, trust_env=False) as http:
        await _searches_a_second(http, questions)  # warm-up
        rates = []
        for number in range(ROUNDS):
            alone = await _searches_a_second(http, questions)
            updates = asyncio.create_task(_update(http, number))
            beside = await _searches_a_second(http, questions)
            rates.append((alone, beside, await updates))
    ratio = statistics.median(beside / alone for alone, beside, _ in rates)
    print(f"searches/s of {CUSTOMERS} customers at once, without updates and beside them: "
          + "  ".join(f"{alone:.0f}/{beside:.0f} ({updates:.1f} updates/s)" for alone, beside, updates in rates)
          + f"   ratio {ratio:.2f}")  # fmt: skip


async def _searches_a_second(http: httpx.AsyncClient, questions: Iterator[str]) -> float:
    started, done = time.perf_counter(), 0

    async def customer() -> None:
        nonlocal done
        while time.perf_counter() - started < SECONDS:
            (await http.post("/v1/search", json={"text": next(questions)})).raise_for_status()
            done += 1

    await asyncio.gather(*(customer() for _ in range(CUSTOMERS)))
    return done / (time.perf_counter() - started)


async def _update(http: httpx.AsyncClient, number: int) -> float:
    """Put new versions of the shipped articles, at most ten a second; gives how many a second were stored."""
    articles = itertools.cycle(read_articles(SHIPPED_ARTICLES))
    started, done = time.perf_counter(), 0
    while (spent := time.perf_counter() - started) < SECONDS:
        await asyncio.sleep(max(0.0, done / UPDATES_A_SECOND - spent))
        article = next(articles)
        changed = article.model_copy(update={"extended": [*article.extended, f"{article.question}，第{number}次"]})
        body = changed.model_dump(mode="json")
        (await http.put(f"/v1/articles/{article.key}", json=body)).raise_for_status()
        done += 1
    return done / (time.perf_counter() - started)
