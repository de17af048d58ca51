"""A real supervisord over small stand-in processes: start, crash, restart, stop."""

import os
import signal
import socket
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from app.processes.following import follow
from app.processes.lifecycle import Installation, UpFailed, starting
from app.processes.readiness import is_ready
from app.processes.supervisor import leftovers
from app.processes.table import Process

FAILING = 'raise RuntimeError("no model here")'

MakeProcess = Callable[..., Process]
Install = Callable[[list[Process]], Installation]

pytestmark = pytest.mark.integration


def silent(_line: str) -> None:
    return


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def test_start_waits_until_everything_is_ready_and_stop_ends_it(process: MakeProcess, install: Install) -> None:
    one = install([process("a"), process("b")])
    shown: list[str] = []
    supervisor, _ = one.start(shown.append)
    assert any("a is ready" in line for line in shown)
    states = one.status()
    assert states is not None
    assert [(state.name, state.ready) for state in states] == [("a", True), ("b", True)]
    assert all(state.memory_mb > 1 for state in states)
    began = time.monotonic()
    assert one.stop()
    assert time.monotonic() - began < 10
    assert supervisor.wait(5) == 0
    assert one.status() is None
    assert not any(is_ready(each.ready_url) for each in one.table)
    assert not one.stop()


def test_process_that_dies_is_restarted_and_said_so(process: MakeProcess, install: Install) -> None:
    one = install([process("a")])
    _, follower = one.start(silent)
    follower.skip()
    lines: list[str] = []

    def killed(number: int) -> None:
        states = one.status()
        assert states is not None
        os.kill(states[0].pid or 0, signal.SIGKILL)
        wait_for(
            lambda: bool(lines.extend(follower.new_lines())) or sum("ready again" in line for line in lines) == number
        )

    killed(1)
    killed(2)
    told = [line.partition("| ")[2] for line in lines if line.startswith("teller")]
    assert "a exited (SIGKILL); restarting in 1 s" in told
    # The second death comes soon after the first: the pause grows.
    assert "a exited (SIGKILL); restarting in 2 s" in told
    assert any(line.startswith("a ready again after") for line in told)
    assert any(line == "a       | serving" for line in lines)


def test_exit_code_is_told(process: MakeProcess, install: Install) -> None:
    one = install([process("a")])
    _, follower = one.start(silent)
    urllib.request.urlopen(one.table[0].ready_url.replace("/readyz", "/exit")).close()
    lines: list[str] = []
    wait_for(lambda: bool(lines.extend(follower.new_lines())) or any("exited (code 7)" in line for line in lines))


def test_process_that_ends_again_and_again_fails_the_start_with_its_last_lines(
    process: MakeProcess, install: Install
) -> None:
    one = install([process("a"), process("bad", FAILING)])
    with pytest.raises(UpFailed) as caught:
        one.start(silent)
    assert "bad ends again and again" in str(caught.value)
    assert "RuntimeError: no model here" in str(caught.value)
    assert str(one.files.log_of("bad")) in str(caught.value)
    assert one.status() is None


def test_process_that_is_not_ready_in_time_fails_the_start(process: MakeProcess, install: Install) -> None:
    one = install([process("slow", "print('loading', flush=True); import time; time.sleep(60)", start_seconds=2)])
    with pytest.raises(UpFailed, match=r"slow was not ready within 2 s\n  \| loading"):
        one.start(silent)
    assert one.status() is None


def test_taken_port_is_named_with_its_owner_and_remedy(process: MakeProcess, install: Install) -> None:
    one = install([process("a")])
    with socket.create_server(("127.0.0.1", one.table[0].port)), pytest.raises(UpFailed) as caught:
        one.check_before_start(silent)
    text = str(caught.value)
    assert f"port {one.table[0].port}, which a needs, is in use by pid {os.getpid()}" in text
    assert "TELLER_X_PORT" in text


def test_two_processes_on_one_port_are_named(process: MakeProcess, install: Install) -> None:
    first = process("a")
    one = install([first, Process("b", first.command, first.host, first.port, "TELLER_Y_PORT", first.ready_url)])
    with pytest.raises(UpFailed, match="TELLER_X_PORT and TELLER_Y_PORT are both"):
        one.check_before_start(silent)


def test_following_ends_when_the_supervisor_is_stopped_elsewhere(process: MakeProcess, install: Install) -> None:
    one = install([process("a")])
    supervisor, follower = one.start(silent)
    Installation(one.settings, one.table).stop()
    follow(follower, lambda: supervisor.poll() is None, silent)
    assert supervisor.returncode == 0


def test_leftovers_of_a_killed_supervisor_are_ended_by_the_next_start(process: MakeProcess, install: Install) -> None:
    one = install([process("a")])
    supervisor, _ = one.start(silent)
    supervisor.kill()
    supervisor.wait()
    assert len(list(leftovers(one.files))) == 1
    shown: list[str] = []
    one.check_before_start(shown.append)
    assert "ended 1 processes" in shown[0]
    assert not is_ready(one.table[0].ready_url)


def test_only_one_start_at_a_time(process: MakeProcess, install: Install) -> None:
    one = install([process("a")])
    with starting(one.files), pytest.raises(UpFailed, match="another `teller up`"), starting(one.files):
        pass


def test_long_data_folder_works_too(process: MakeProcess, tmp_path: Path) -> None:
    from core.settings import Settings

    one = Installation(Settings(data_dir=tmp_path / ("x" * 120) / "var"), [process("a")])
    try:
        one.start(silent)
        assert one.status() is not None
    finally:
        assert one.stop()
