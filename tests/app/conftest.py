"""Small stand-ins for Teller's processes."""

import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.processes.lifecycle import Installation
from app.processes.table import Process
from core.settings import Settings

# Answers on its port, and ends by itself when it is asked for /exit.
SERVER = """
import http.server, os, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"ok")
        if self.path == "/exit":
            threading.Timer(0.1, os._exit, [7]).start()
    def log_message(self, *arguments): pass
print("serving", flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def free_port() -> int:
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        return int(attempt.getsockname()[1])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "var", _env_file=None)  # type: ignore[call-arg]


@pytest.fixture
def process(tmp_path: Path) -> Callable[..., Process]:
    """Makes a stand-in process; `code` is what it runs."""

    def make(name: str, code: str = SERVER, **more: object) -> Process:
        port = free_port()
        program = tmp_path / f"{name}.py"
        program.write_text(code)
        command = [sys.executable, "-u", str(program), str(port)]
        return Process(name, command, "127.0.0.1", port, "TELLER_X_PORT", f"http://127.0.0.1:{port}/readyz", **more)  # type: ignore[arg-type]

    return make


@pytest.fixture
def install(settings: Settings) -> Iterator[Callable[[list[Process]], Installation]]:
    """Makes an installation of stand-in processes, stopped at the end."""
    made: list[Installation] = []

    def make(table: list[Process]) -> Installation:
        made.append(Installation(settings, table))
        return made[-1]

    yield make
    for one in made:
        one.stop()
