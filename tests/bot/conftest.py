"""The real Rasa server and action server with a trained model, in front of a fake knowledge base."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest
from fake_knowledge import FAKE_TOKEN, FakeKnowledge

PROJECT = Path(__file__).parents[2]
BOT_PYTHON = Path(os.environ.get("TELLER_BOT_PYTHON", PROJECT / "bot" / ".venv" / "bin" / "python"))
EMBEDDING = Path(os.environ.get("TELLER_EMBEDDING_MODEL", PROJECT / "var" / "models" / "e5-small-zh"))
START_SECONDS = 120.0
TRAIN_SECONDS = 600.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Reply:
    """Status and JSON body of one answer of the channel."""

    status: int
    body: dict[str, Any]

    @property
    def intent(self) -> str:
        name: str = self.body["intent"]["name"]
        return name

    @property
    def customs(self) -> list[dict[str, Any]]:
        return [message["custom"] for message in self.body["messages"] if message["custom"]]


@dataclass
class Bot:
    """Talks to the running channel."""

    url: str
    knowledge: FakeKnowledge
    messages: int = field(default=0)

    def say(self, text: str, sender: str = "") -> Reply:
        self.messages += 1
        metadata = {"channel": "web", "elder": False}
        return self.post(
            {
                "sender": sender or f"sender {self.messages}",
                "message": text,
                "message_id": f"message {self.messages}",
                "metadata": metadata,
            }
        )

    def post(self, body: Any, token: str | None = FAKE_TOKEN) -> Reply:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | ({"X-Teller-Token": token} if token is not None else {})
        return _fetch(urllib.request.Request(f"{self.url}/webhooks/gateway/message", raw, headers))

    def get(self, path: str) -> Reply:
        return _fetch(urllib.request.Request(self.url + path))


def _fetch(request: urllib.request.Request) -> Reply:
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return Reply(response.status, json.load(response))
    except urllib.error.HTTPError as error:
        text = error.read().decode("utf-8", "replace")
        return Reply(error.code, json.loads(text) if text.startswith("{") else {"text": text})


@pytest.fixture(scope="session")
def bot_python() -> Path:
    if not BOT_PYTHON.is_file():
        pytest.skip(f"no bot environment: {BOT_PYTHON}")
    if not EMBEDDING.is_dir():
        pytest.skip(f"no embedding model: {EMBEDDING}")
    return BOT_PYTHON


@pytest.fixture(scope="session")
def model(bot_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model in var/models/bot where it is up to date, else one trained here."""
    models = PROJECT / "var" / "models" / "bot"
    output = models if models.is_dir() else tmp_path_factory.mktemp("models")
    command = [str(bot_python), "-m", "bot.train", "--output", str(output), "--embedding", str(EMBEDDING)]
    trained = subprocess.run(command, cwd=PROJECT, check=False, capture_output=True, text=True, timeout=TRAIN_SECONDS)
    assert trained.returncode == 0, trained.stderr[-3000:]
    return Path(json.loads(trained.stdout)["model"])


@pytest.fixture(scope="session")
def knowledge() -> Iterator[FakeKnowledge]:
    fake = FakeKnowledge()
    yield fake
    fake.close()


@pytest.fixture(scope="session")
def running_bot(
    bot_python: Path, model: Path, knowledge: FakeKnowledge, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bot]:
    rasa_port, action_port = free_port(), free_port()
    environment = os.environ | {
        "TELLER_INTERNAL_TOKEN": FAKE_TOKEN,
        "TELLER_KB_URL": knowledge.url,
        "TELLER_ACTION_PORT": str(action_port),
        "TELLER_EMBEDDING_MODEL": str(EMBEDDING.resolve()),
    }
    log = (tmp_path_factory.mktemp("log") / "bot.log").open("w+")
    commands = [["bot.actions"], ["bot.server", "--model", str(model), "--port", str(rasa_port)]]
    processes = [_start([str(bot_python), "-m", *command], environment, log) for command in commands]
    try:
        for address in (
            f"http://127.0.0.1:{action_port}/health",
            f"http://127.0.0.1:{rasa_port}/webhooks/gateway/health",
        ):
            _wait_until_ready(address, processes, log)
        yield Bot(f"http://127.0.0.1:{rasa_port}", knowledge)
    finally:
        _end(processes)
        log.close()


@pytest.fixture
def bot(running_bot: Bot) -> Bot:
    running_bot.knowledge.reset()
    return running_bot


def _start(command: list[str], environment: dict[str, str], log: IO[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=log, stderr=subprocess.STDOUT)


def _wait_until_ready(address: str, processes: list["subprocess.Popen[bytes]"], log: IO[str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and all(process.poll() is None for process in processes):
        try:
            if _fetch(urllib.request.Request(address)).status == 200:
                return
        except OSError:
            pass  # not listening yet
        time.sleep(0.2)
    log.seek(0)
    pytest.fail(f"{address} is not ready:\n{log.read()[-3000:]}")


def _end(processes: list["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
