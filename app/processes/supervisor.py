"""Talk to supervisord through its unix socket, and start and stop it."""

import http.client
import os
import signal
import socket
import subprocess
import time
import xmlrpc.client
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.processes.configuration import MARK, RunFiles
from app.setup.places import MAIN_ENV, PROJECT, python_of

CALL_SECONDS = 10
START_SECONDS = 15
END_SECONDS = 12


class SupervisorFailed(Exception):
    """supervisord did not start."""


@dataclass(frozen=True)
class ProcessState:
    """What supervisord knows of a process. `state` is its word: STARTING, RUNNING, BACKOFF, STOPPED, EXITED, FATAL …"""

    name: str
    pid: int
    state: str
    uptime_seconds: float


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=CALL_SECONDS)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(CALL_SECONDS)
        self.sock.connect(str(self.path))


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def make_connection(self, _host: Any) -> http.client.HTTPConnection:
        return _Connection(self.path)


class Supervisor:
    """The supervisord of one data folder, running or not."""

    def __init__(self, files: RunFiles) -> None:
        self.files = files

    def states(self) -> list[ProcessState] | None:
        """The state of every process; None when no supervisord answers."""
        infos = self._call(lambda rpc: rpc.supervisor.getAllProcessInfo())
        if infos is None:
            return None
        return [
            ProcessState(
                info["name"], info["pid"], info["statename"], max(0, info["now"] - info["start"]) if info["pid"] else 0
            )
            for info in infos
        ]

    def pid(self) -> int | None:
        """supervisord's own process id; None when it does not answer."""
        answer = self._call(lambda rpc: rpc.supervisor.getPID())
        return None if answer is None else int(answer)

    def is_running(self) -> bool:
        return self.pid() is not None

    def start(self) -> subprocess.Popen[bytes]:
        """Start supervisord, which starts the processes, and wait until it answers."""
        # A session of its own: Ctrl-C in the terminal reaches us alone, and closing the terminal does not end it.
        process = subprocess.Popen(
            [str(python_of(MAIN_ENV)), "-m", "supervisor.supervisord", "-c", str(self.files.configuration)],
            cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                assert process.stderr is not None
                raise SupervisorFailed(process.stderr.read().decode(errors="replace").strip() or "it gave no reason")
            if self.is_running():
                return process
            time.sleep(0.1)
        process.kill()
        raise SupervisorFailed(f"it did not answer within {START_SECONDS} s")

    def stop(self) -> bool:
        """Stop all processes and supervisord; True when something was running. What does not end in time is killed."""
        states = self.states()
        if states is None:
            return bool(end_leftovers(self.files))
        pids = [state.pid for state in states if state.pid] + [pid for pid in [self.pid()] if pid]
        self._call(lambda rpc: rpc.supervisor.shutdown())
        deadline = time.monotonic() + END_SECONDS
        while any(_alive(pid) for pid in pids) and time.monotonic() < deadline:
            time.sleep(0.1)
        end_leftovers(self.files)
        return True

    def _call(self, function: Callable[[Any], Any]) -> Any:
        if not self.files.socket.exists():
            return None
        server = xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(self.files.socket))
        try:
            return function(server)
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return None


def _alive(pid: int) -> bool:
    try:
        # A zombie has ended; only its parent has not looked yet.
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def leftovers(files: RunFiles) -> Iterator[int]:
    """Processes of this data folder whose supervisord is gone (it was killed).

    Found by the mark in their environment.
    """
    mark = f"{MARK}={files.mark}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if mark in environment.split(b"\0"):
                yield int(entry.name)


def end_leftovers(files: RunFiles) -> list[int]:
    """End the processes that a killed supervisord left behind; gives their ids."""
    found = list(leftovers(files))
    for number, seconds in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 2.0)):
        for pid in found:
            _signal(pid, number)
        deadline = time.monotonic() + seconds
        while any(_alive(pid) for pid in found) and time.monotonic() < deadline:
            time.sleep(0.1)
    return found


def _signal(pid: int, number: int) -> None:
    try:
        if _alive(pid):
            os.kill(pid, number)
    except OSError:
        return
