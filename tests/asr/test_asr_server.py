"""The speech process as it runs: workers, readiness, a model that is missing, a model that is replaced."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from websockets.asyncio.client import connect

from app.processes.readiness import is_ready
from asr.audio import read_audio
from asr.model_folder import adapted_models, model_version, write_note
from asr.whole_graph import made_whole
from core.settings import PROJECT, Settings
from tests.asr.conftest import RECORDINGS

pytestmark = pytest.mark.integration


def free_port() -> int:
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        return int(attempt.getsockname()[1])


def start(settings: Settings, port: int, **changes: object) -> subprocess.Popen[str]:
    own = {"TELLER_ASR_PORT": port, "TELLER_DATA_DIR": settings.data_dir, **changes}
    environment = {**os.environ, **{name: str(value) for name, value in own.items()}}
    return subprocess.Popen(
        [sys.executable, "-m", "asr.server"], cwd=PROJECT, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


@contextmanager
def running(settings: Settings, **changes: object) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    port = free_port()
    process = start(settings, port, **changes)
    try:
        wait_until(lambda: is_ready(f"http://127.0.0.1:{port}/readyz") or process.poll() is not None)
        yield port, process
    finally:
        process.terminate()
        process.wait(10)


def wait_until(holds: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


async def hear(port: int, name: str, rate: int = 8000) -> list[dict[str, Any]]:
    pcm = read_audio(RECORDINGS / name, rate).pcm
    replies = []
    async with connect(f"ws://127.0.0.1:{port}", proxy=None) as client:
        await client.send(json.dumps({"config": {"sample_rate": rate}}))
        for start_ in range(0, len(pcm), 3200):
            await client.send(pcm[start_ : start_ + 3200])
            replies.append(json.loads(await client.recv()))
        await client.send('{"eof" : 1}')
        replies.append(json.loads(await client.recv()))
    return replies


def text_of(replies: list[dict[str, Any]]) -> str:
    return "".join(reply.get("text", "").replace(" ", "") for reply in replies)


def vosk_alone(model: Path, name: str) -> list[dict[str, Any]]:
    """What vosk-server's own loop replies to the same messages."""
    import vosk

    pcm = read_audio(RECORDINGS / name, 8000).pcm
    recogniser = vosk.KaldiRecognizer(vosk.Model(str(model)), 8000)
    recogniser.SetWords(True)
    replies = []
    for start_ in range(0, len(pcm), 3200):
        ended = recogniser.AcceptWaveform(pcm[start_ : start_ + 3200])
        replies.append(json.loads(recogniser.Result() if ended else recogniser.PartialResult()))
    return [*replies, json.loads(recogniser.FinalResult())]


def test_it_replies_as_vosk_server_does_and_ends_cleanly(speaking: Settings, speech_model: Path) -> None:
    with running(speaking, TELLER_ASR_MODEL=speech_model) as (port, process):
        alone = vosk_alone(made_whole(speaking, speech_model) or speech_model, "limit.ogg")
        assert asyncio.run(hear(port, "limit.ogg")) == alone
        workers = psutil.Process(process.pid).children()
        assert len(workers) == 2
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert not any(worker.is_running() for worker in workers)


def test_a_killed_worker_is_replaced(speaking: Settings, speech_model: Path) -> None:
    with running(speaking, TELLER_ASR_MODEL=speech_model, TELLER_ASR_WORKERS=1) as (port, process):
        (worker,) = psutil.Process(process.pid).children()
        worker.kill()
        worker.wait(5)
        wait_until(lambda: is_ready(f"http://127.0.0.1:{port}/readyz"))
        assert asyncio.run(hear(port, "person.ogg"))


def test_orphans_end(speaking: Settings, speech_model: Path) -> None:
    with running(speaking, TELLER_ASR_MODEL=speech_model, TELLER_ASR_WORKERS=1) as (_, process):
        (worker,) = psutil.Process(process.pid).children()
        process.kill()
        wait_until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, 10)


def test_an_adapted_model_is_taken_while_it_runs(speaking: Settings, speech_model: Path) -> None:
    adapted = adapted_models(speaking) / "adapted-1"
    shutil.copytree(speech_model, adapted)
    whole = made_whole(speaking, speech_model)
    if whole:
        shutil.copytree(whole, whole.parent / model_version(adapted), symlinks=True, dirs_exist_ok=True)
    with running(speaking, TELLER_ASR_MODEL=speech_model, TELLER_ASR_WORKERS=1) as (port, process):
        before = text_of(asyncio.run(hear(port, "balance.ogg")))
        write_note(speaking, {"model": adapted.name, "base": model_version(speech_model)})
        time.sleep(4)
        assert text_of(asyncio.run(hear(port, "balance.ogg"))) == before
        process.terminate()
        assert process.stdout is not None
        assert f"new speech model in use model={model_version(adapted)}" in process.stdout.read()


def test_missing_model_is_one_clear_line(settings: Settings) -> None:
    process = start(settings, free_port(), TELLER_ASR_MODEL="/nowhere")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "there is no speech model at /nowhere" in output
    assert "Traceback" not in output


def test_port_in_use_is_one_clear_line(speaking: Settings, speech_model: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = start(speaking, taken.getsockname()[1], TELLER_ASR_MODEL=speech_model)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Address already in use" in output
    assert "Traceback" not in output
