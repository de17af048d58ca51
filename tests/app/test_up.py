"""`teller up` as a person or an init system runs it, over stand-in processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.processes.readiness import is_ready
from app.processes.table import Process
from app.setup.places import PROJECT

pytestmark = pytest.mark.integration

# The real command with other processes, nothing to prepare and an administrator made at the first start.
DRIVER = """
import json, sys
from app.cli.errors import run
from app.processes import lifecycle
from app.processes.table import Process
table = [Process(**fields) for fields in json.loads(sys.argv[1])]
lifecycle.processes = lambda settings: table
lifecycle.Installation.prepare = lambda self, stream: print("prepared", file=stream)
lifecycle.first_administrator = lambda settings: {"username": "admin", "password": "secret-word"}
sys.exit(run(sys.argv[2:]))
"""


class Terminal:
    """Runs `teller` commands on one data folder."""

    def __init__(self, folder: Path, table: list[Process]) -> None:
        self.table = table
        self.environment = {**os.environ, "TELLER_DATA_DIR": str(folder / "var")}
        self.fields = json.dumps([{**vars(process), "folder": str(process.folder)} for process in table])

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-c", DRIVER, self.fields, *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            check=False,
            cwd=PROJECT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def start(self, *arguments: str) -> "Screen":
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=PROJECT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return Screen(process)

    def anything_ready(self) -> bool:
        return any(is_ready(process.ready_url) for process in self.table)


class Screen:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []

    def wait_for(self, text: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if text in line:
                return
        raise AssertionError(f"{text!r} was never shown:\n{''.join(self.lines)}")

    def end(self) -> int:
        assert self.process.stdout is not None
        self.lines += list(self.process.stdout)
        return self.process.wait(30)


@pytest.fixture
def terminal(tmp_path: Path, process: Callable[..., Process]) -> Iterator[Terminal]:
    one = Terminal(tmp_path, [process("kb"), process("app")])
    yield one
    one.run("down")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_stop_everything(terminal: Terminal, number: signal.Signals) -> None:
    screen = terminal.start("up")
    screen.wait_for("Password")
    text = "".join(screen.lines)
    assert "prepared" in text
    assert "/console/" in text
    assert "secret-word" in text
    began = time.monotonic()
    # The signal may come at any moment from here on.
    screen.process.send_signal(number)
    assert screen.end() == 0
    assert time.monotonic() - began < 12
    assert "teller  | stopped" in "".join(screen.lines)
    assert not terminal.anything_ready()


def test_detached_start_returns_when_ready_and_a_second_start_says_so(terminal: Terminal) -> None:
    first = terminal.run("up", "--detach", "--json")
    assert first.returncode == 0, first.stderr
    started = json.loads(first.stdout)
    assert started["already_running"] is False
    assert started["administrator"] == {"username": "admin", "password": "secret-word"}
    assert all(process["ready"] for process in started["processes"])
    second = json.loads(terminal.run("up", "--json").stdout)
    assert second["already_running"] is True
    assert second["administrator"] is None
    assert second["addresses"] == started["addresses"]
    status = terminal.run("status")
    assert status.returncode == 0
    assert "kb" in status.stdout
    assert json.loads(terminal.run("down", "--json").stdout) == {"stopped": True}
    assert not terminal.anything_ready()


def test_stop_from_another_terminal_ends_the_foreground(terminal: Terminal) -> None:
    screen = terminal.start("up")
    screen.wait_for("Password")
    terminal.run("down")
    assert screen.end() == 0
    assert "stopped by `teller down`" in "".join(screen.lines)


def test_death_of_a_process_is_said_in_the_foreground(terminal: Terminal) -> None:
    screen = terminal.start("up")
    screen.wait_for("Password")
    processes = json.loads(terminal.run("status", "--json").stdout)["processes"]
    os.kill(processes[0]["pid"], signal.SIGKILL)
    screen.wait_for("teller  | kb exited (SIGKILL); restarting in 1 s")
    screen.wait_for("teller  | kb ready again")
    screen.process.send_signal(signal.SIGINT)
    assert screen.end() == 0


def test_death_of_the_supervisor_stops_everything_and_fails(terminal: Terminal, tmp_path: Path) -> None:
    screen = terminal.start("up")
    screen.wait_for("Password")
    os.kill(int((tmp_path / "var" / "run" / "supervisord.pid").read_text()), signal.SIGKILL)
    assert screen.end() == 1
    assert "supervisor ended unexpectedly" in screen.lines[-1]
    assert not terminal.anything_ready()


def test_ctrl_c_while_waiting_stops_what_was_started(tmp_path: Path, process: Callable[..., Process]) -> None:
    slow = process("slow", "import time; print('loading', flush=True); time.sleep(100)")
    terminal = Terminal(tmp_path, [process("kb"), slow])
    screen = terminal.start("up")
    screen.wait_for("waiting for")
    screen.process.send_signal(signal.SIGINT)
    assert screen.end() == 130
    assert terminal.run("status").returncode == 3
    assert not terminal.anything_ready()
