"""Speech recognition: many callers at once, delay of the final text, throughput against vosk's own loop, memory, leaks.

The baseline is the loop of vosk-server (websocket/asr_server.py): one process, one model, a pool of one thread a core,
over the same sockets with the same model, in the same run. Nothing here needs the running product.
"""

import asyncio
import gc
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
from websockets.asyncio.client import ClientConnection, connect

from app.processes.readiness import is_ready
from asr.audio import read_audio
from asr.evaluation import read_manifest
from asr.model_folder import model_in_use
from core.settings import PROJECT, Settings

RECORDINGS = PROJECT / "tests" / "asr" / "recordings" / "manifest.tsv"
RATE = 8000
BLOCK_SECONDS = 0.1
CALLERS, CALL_SECONDS = 20, 20.0  # in real time
HURRIED_SECONDS = 12.0  # of each caller whose speech comes as fast as it goes
ROUNDS, THROUGHPUT_CALLERS = 3, 8
SHORT_SESSIONS = 1000
START_SECONDS = 60.0

# vosk-server's loop, less its logging.
BASELINE = """
import asyncio, concurrent.futures, json, os, sys
import vosk
from websockets.asyncio.server import serve
vosk.SetLogLevel(-1)
model = vosk.Model(sys.argv[1])
pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1)

def process_chunk(rec, message):
    if message == '{"eof" : 1}':
        return rec.FinalResult(), True
    if rec.AcceptWaveform(message):
        return rec.Result(), False
    return rec.PartialResult(), False

async def recognize(websocket):
    rec = None
    async for message in websocket:
        if not rec:
            rec = vosk.KaldiRecognizer(model, 8000.0)
            rec.SetWords(True)
        response, stop = await asyncio.get_running_loop().run_in_executor(pool, process_chunk, rec, message)
        await websocket.send(response)
        if stop:
            break

async def main():
    async with serve(recognize, "127.0.0.1", int(sys.argv[2])):
        await asyncio.get_running_loop().create_future()

asyncio.run(main())
"""


def main(settings: Settings) -> None:
    model, calls = model_in_use(settings), _calls()
    with _teller(settings) as (port, process):
        workers = process.children()
        asyncio.run(_throughput(port, calls, 2))  # warm-up
        alone = [worker.memory_info().rss / 1e6 for worker in workers]
        delays, late = asyncio.run(_callers(port, calls))
        beside = [worker.memory_info().rss / 1e6 for worker in workers]
        print(f"{CALLERS} callers in real time: final text after the end of speech, median "
              f"{statistics.median(delays):.0f} ms, p95 {np.percentile(delays, 95):.0f} ms, most {max(delays):.0f} ms "
              f"(at most 200); replies behind by at most {late * 1000:.0f} ms")  # fmt: skip
        print(f"memory of a speech worker: {max(alone):.0f} MB (at most 150); each caller adds "
              f"{(sum(beside) - sum(alone)) / CALLERS:.1f} MB (at most 3)")  # fmt: skip
        asyncio.run(_leak(port, calls, workers))
        with _baseline(model) as other:
            asyncio.run(_compare(port, other, calls))


def _calls() -> list[bytes]:
    """What callers say: the recordings, with pauses that end an utterance."""
    pause = bytes(int(RATE * 1.5) * 2)
    sounds = [read_audio(recording.path, RATE).pcm + pause for recording in read_manifest(RECORDINGS)]
    return [b"".join(sounds[start:] + sounds[:start]) for start in range(len(sounds))]


def _blocks(pcm: bytes) -> Iterator[bytes]:
    size = int(RATE * BLOCK_SECONDS) * 2
    return (pcm[start : start + size] for start in range(0, len(pcm), size))


async def _callers(port: int, calls: Sequence[bytes]) -> tuple[list[float], float]:
    """Milliseconds to the final text of each caller, and by how much replies lagged behind real time at worst."""
    results = await asyncio.gather(*(_caller(port, calls[n % len(calls)], n * 0.037) for n in range(CALLERS)))
    return [delay for delays, _ in results for delay in delays], max(late for _, late in results)


async def _caller(port: int, pcm: bytes, offset: float) -> tuple[list[float], float]:
    """One caller at the speed of speech: a block each BLOCK_SECONDS, then the end."""
    await asyncio.sleep(offset)
    delays, late = [], 0.0
    async with connect(f"ws://127.0.0.1:{port}", proxy=None, compression=None) as client:
        began = time.perf_counter()
        for number, block in enumerate(_blocks(pcm[: int(CALL_SECONDS * RATE) * 2])):
            due = began + number * BLOCK_SECONDS
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            sent = time.perf_counter()
            await client.send(block)
            if "partial" not in json.loads(await client.recv()):
                delays.append((time.perf_counter() - sent) * 1000)
            late = max(late, time.perf_counter() - due)
        sent = time.perf_counter()
        await client.send('{"eof" : 1}')
        await client.recv()
        delays.append((time.perf_counter() - sent) * 1000)
    return delays, late


async def _compare(ours: int, other: int, calls: Sequence[bytes]) -> None:
    await _throughput(other, calls, 2)
    rates = [(await _throughput(ours, calls, THROUGHPUT_CALLERS), await _throughput(other, calls, THROUGHPUT_CALLERS))
             for _ in range(ROUNDS)]  # fmt: skip
    ratio = statistics.median(our / their for our, their in rates)
    print(f"throughput of {THROUGHPUT_CALLERS} callers as fast as it goes, seconds of speech a second, ours and vosk's "
          "own loop: " + "  ".join(f"{our:.0f}/{their:.0f}" for our, their in rates)
          + f"   ratio {ratio:.2f} (at least 1.0)")  # fmt: skip


async def _throughput(port: int, calls: Sequence[bytes], callers: int) -> float:
    """Seconds of speech a second."""
    began = time.perf_counter()
    pcms = [calls[number % len(calls)][: int(HURRIED_SECONDS * RATE) * 2] for number in range(callers)]
    await asyncio.gather(*(_hurried(port, pcm) for pcm in pcms))
    return sum(map(len, pcms)) / 2 / RATE / (time.perf_counter() - began)


async def _hurried(port: int, pcm: bytes) -> None:
    async with connect(f"ws://127.0.0.1:{port}", proxy=None, compression=None) as client:
        await _send_all(client, pcm)


async def _send_all(client: ClientConnection, pcm: bytes) -> None:
    for block in _blocks(pcm):
        await client.send(block)
        await client.recv()
    await client.send('{"eof" : 1}')
    await client.recv()


async def _leak(port: int, calls: Sequence[bytes], workers: Sequence[psutil.Process]) -> None:
    """Memory before and after many short sessions, the first fifth of which warms up."""
    sizes = []
    for count in (SHORT_SESSIONS // 5, SHORT_SESSIONS):
        for start in range(0, count, 10):
            await asyncio.gather(*(_hurried(port, calls[n % len(calls)][:4800]) for n in range(start, start + 10)))
        gc.collect()
        sizes.append(sum(worker.memory_info().rss for worker in workers) / 1e6)
    print(f"{SHORT_SESSIONS} short sessions: workers' memory {sizes[0]:.1f} MB before, {sizes[1]:.1f} MB after")


@contextmanager
def _teller(settings: Settings) -> Iterator[tuple[int, psutil.Process]]:
    """The speech process on a port of its own."""
    port = _free_port()
    own = {"TELLER_ASR_PORT": str(port), "TELLER_LOG_LEVEL": "WARNING", "OMP_NUM_THREADS": "1"}
    with _running([sys.executable, "-m", "asr.server"], {**os.environ, **own}, port) as process:
        yield port, process


@contextmanager
def _baseline(model: Path) -> Iterator[int]:
    port = _free_port()
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(BASELINE)
        file.flush()
        command = [sys.executable, file.name, str(model), str(port)]
        with _running(command, {**os.environ, "OMP_NUM_THREADS": "1"}, port):
            yield port


@contextmanager
def _running(command: Sequence[str], environment: dict[str, str], port: int) -> Iterator[psutil.Process]:
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (is_ready(f"http://127.0.0.1:{port}/readyz", 0.5) or _listens(port)):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[-1]} did not become ready")
            time.sleep(0.2)
        time.sleep(1.0)  # the other workers too
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        return int(attempt.getsockname()[1])
