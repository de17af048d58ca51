"""The speech process: vosk-server's WebSocket protocol on one port, heard by several worker processes.

`python -m asr.server` checks the model, then starts the workers and starts again any that ends. All of them listen on
the same port (SO_REUSEPORT): the system spreads the connections over them. They answer `GET /readyz`, too.
"""

import argparse
import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from asr.model_folder import check_loads, configured_model, current_note, model_in_use
from asr.problems import ModelUnusable
from asr.whole_graph import made_whole, make_whole
from core.logging import configure_logging
from core.settings import PROJECT, Settings, get_settings

if TYPE_CHECKING:
    from asr.engine import Transcriber
    from asr.vosk_engine import VoskTranscriber

log = structlog.get_logger()

HOST = "127.0.0.1"
FOLLOW_SECONDS = 2.0  # how soon an adapted model is used, and an orphan ends
HOPELESS_ENDS, HOPELESS_SECONDS = 5, 30.0  # so many ends of workers in so many seconds
STOP_SECONDS = 0.7  # the whole product has twelve seconds to stop in
PORT_SECONDS = 6.0  # orphans of a killed predecessor need a moment to see it


async def serving(transcriber: "Transcriber", host: str, port: int, settings: Settings) -> Server:
    """Serve `transcriber` on a port that other processes may share."""
    from asr.vosk_protocol import Client, Limits

    limits = Limits(settings.asr_idle_seconds, settings.asr_max_minutes * 60)

    async def answer(connection: ServerConnection) -> None:
        # Those who only hang about count too: a session begins with the first audio.
        client = Client(connection, transcriber, limits)
        is_full = len(server.connections) > settings.asr_connections
        await (client.refuse() if is_full else client.serve())

    server = await serve(
        answer, host, port, reuse_port=True, process_request=_answer_probe, compression=None,
        max_size=settings.asr_message_kb * 1024, max_queue=16, open_timeout=10, close_timeout=STOP_SECONDS,
    )  # fmt: skip
    return server


async def _answer_probe(connection: ServerConnection, request: Request) -> Response | None:
    if request.path in ("/readyz", "/healthz"):
        return connection.respond(HTTPStatus.OK, "ready\n")
    return None


async def _work(settings: Settings, parent: int) -> None:
    """One worker: hear callers until SIGTERM or the end of the parent."""
    from asr.vosk_engine import VoskTranscriber  # the parent has no use for the engine

    folder = model_in_use(settings)
    transcriber = VoskTranscriber(folder, made_whole(settings, folder), settings.asr_connections)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await serving(transcriber, HOST, settings.asr_port, settings)
    log.info("hearing callers", model=transcriber.model, port=settings.asr_port)
    follower = asyncio.create_task(_follow(transcriber, settings, parent, stop))
    await stop.wait()
    follower.cancel()
    server.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            await server.wait_closed()
    transcriber.close()


async def _follow(transcriber: "VoskTranscriber", settings: Settings, parent: int, stop: asyncio.Event) -> None:
    """Use an adapted model as soon as a note names it; end when the parent has."""
    seen = _note_time(settings)
    while True:
        await asyncio.sleep(FOLLOW_SECONDS)
        if os.getppid() != parent:
            stop.set()
        if (changed := _note_time(settings)) != seen:
            seen = changed
            try:
                folder = model_in_use(settings)
                whole = await asyncio.to_thread(make_whole, settings, folder)
                log.info("new speech model in use", model=await transcriber.reload(folder, whole))
            except Exception:
                log.exception("the new speech model cannot be used; the old one stays")


def _note_time(settings: Settings) -> float:
    try:
        return current_note(settings).stat().st_mtime_ns
    except OSError:
        return 0


class Workers:
    """The worker processes, kept at their number."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.running: list[subprocess.Popen[bytes]] = []
        self.ends: deque[float] = deque(maxlen=HOPELESS_ENDS)

    def start(self) -> None:
        while len(self.running) < self.count:
            command = [sys.executable, "-m", "asr.server", "--worker", str(os.getpid())]
            self.running.append(subprocess.Popen(command, cwd=PROJECT))

    def replace_ended(self) -> None:
        """Raises ModelUnusable when workers end again and again."""
        for worker in [worker for worker in self.running if worker.poll() is not None]:
            log.warning("a speech worker ended", code=worker.returncode)
            self.running.remove(worker)
            self.ends.append(time.monotonic())
        if len(self.ends) == HOPELESS_ENDS and time.monotonic() - self.ends[0] < HOPELESS_SECONDS:
            raise ModelUnusable("the speech workers end again and again")
        self.start()

    def stop(self) -> None:
        for worker in self.running:
            worker.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for worker in self.running:
            try:
                worker.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()


def _supervise(settings: Settings) -> None:
    _check_model(settings)
    make_whole(settings, model_in_use(settings))
    _check_port(settings.asr_port)
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: stopped.append(received))
    workers = Workers(settings.asr_workers)
    try:
        workers.start()
        while not stopped:
            time.sleep(0.5)
            if not stopped:
                workers.replace_ended()
    finally:
        workers.stop()


def _check_model(settings: Settings) -> None:
    """An adapted model that has been damaged since is passed over; the configured one must load."""
    folder, configured = model_in_use(settings), configured_model(settings)
    try:
        check_loads(folder)
    except ModelUnusable as problem:
        if folder == configured:
            raise
        log.error("the adapted speech model is passed over", reason=problem.detail)
        current_note(settings).unlink(missing_ok=True)
        check_loads(configured)


def _check_port(port: int) -> None:
    """Raise OSError when somebody listens there: with SO_REUSEPORT both would get a share of the callers."""
    deadline = time.monotonic() + PORT_SECONDS
    while True:
        with socket.socket() as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind((HOST, port))
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
        time.sleep(0.5)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", type=int, metavar="PARENT", help="for the process itself")
    arguments = parser.parse_args()
    settings = get_settings()
    configure_logging(settings, "asr")
    try:
        if arguments.worker:
            asyncio.run(_work(settings, arguments.worker))
        else:
            _supervise(settings)
    except ModelUnusable as problem:
        log.error("speech recognition cannot start", reason=problem.detail)
        return 1
    except OSError as error:
        log.error("speech recognition cannot start", reason=f"port {settings.asr_port}: {error.strerror}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
