"""`teller up`, `down`, `status`, `doctor`."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.errors import FAILED, NOT_RUNNING, CommandFailed
from app.cli.output import Json, emit, print_table
from app.cli.rooms import load_settings

if TYPE_CHECKING:
    from app.processes.following import Follower
    from app.processes.lifecycle import Installation, Started

Detach = Annotated[bool, typer.Option("--detach", help="Return once everything is ready.")]


def up(detach: Detach = False, json: Json = False) -> int:
    """Start everything, wait until it is ready, and show its logs until Ctrl-C."""
    from app.processes.lifecycle import Installation, UpFailed

    try:
        with _stop_on_signals():
            return _Up(Installation(load_settings()), json).run(detach)
    except UpFailed as failure:
        raise CommandFailed(str(failure), code="not_started") from None


class _Up:
    """One `teller up`. With `as_json`, standard output is for the result alone; all else goes to standard error."""

    process: "subprocess.Popen[bytes]"
    follower: "Follower"

    def __init__(self, installation: "Installation", as_json: bool) -> None:
        self.installation, self.as_json = installation, as_json
        self.stream = sys.stderr if as_json else sys.stdout
        self.began = time.monotonic()

    def run(self, detach: bool) -> int:
        """Start, unless it runs already; then stay until the end, unless it is to be detached. Gives the exit code."""
        from app.processes.lifecycle import Started, starting

        with starting(self.installation.files):
            if self.installation.supervisor.is_running():
                running = Started(
                    self.installation.addresses, already_running=True, processes=self.installation.status() or []
                )
                emit(running.as_dict(), self.as_json, _print_started)
                return 0
            self._start()
        try:
            emit(self._welcome().as_dict(), self.as_json, _print_started)
            return 0 if detach else self._stay()
        except KeyboardInterrupt:
            self._stop()
            return 0
        except BaseException:
            self._stop()
            raise

    def _start(self) -> None:
        self._show("Starting Teller")
        self.installation.check_before_start(self._show)
        self.installation.prepare(self.stream)
        self.process, self.follower = self.installation.start(self._show)

    def _welcome(self) -> "Started":
        from app.processes.lifecycle import Started, first_administrator

        administrator = first_administrator(self.installation.settings)
        seconds = round(time.monotonic() - self.began, 1)
        return Started(self.installation.addresses, False, administrator, seconds, self.installation.status() or [])

    def _stay(self) -> int:
        """Show what happens until Ctrl-C, `teller down` or the supervisor's unexpected end."""
        from app.processes.following import follow, prefixed

        self.follower.skip()
        follow(self.follower, lambda: self.process.poll() is None, self._show)
        if self.process.returncode == 0:
            self._show(prefixed("teller", "stopped by `teller down`"))
            return 0
        log = self.installation.files.supervisor_log
        raise CommandFailed(f"the supervisor ended unexpectedly; everything is stopped; its log: {log}")

    def _stop(self) -> None:
        from app.processes.following import prefixed

        with _deaf_to_signals():
            self._show(prefixed("teller", "stopping"))
            self.installation.stop()
            self.process.wait()
            self._show(prefixed("teller", "stopped"))

    def _show(self, line: str) -> None:
        # Nobody reads any more (a closed pipe, a terminal that is gone): no reason to stop.
        with suppress(OSError):
            print(line, file=self.stream, flush=True)


@contextmanager
def _stop_on_signals() -> Iterator[None]:
    """SIGTERM and the closing of the terminal count as Ctrl-C, so that they stop everything too."""

    def stop(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _deaf_to_signals() -> Iterator[None]:
    before = {
        number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print_started(started: dict[str, Any]) -> None:
    if started["already_running"]:
        print("Teller is already running")
    else:
        print(f"Teller is ready after {started['seconds']:.0f} s")
    addresses = started["addresses"]
    print(f"\n  Chat page    {addresses['chat']}")
    print(f"  Console      {addresses['console']}")
    print(f"  API          {addresses['api']}\n")
    if account := started["administrator"]:
        print(f"  First administrator   {account['username']}\n  Password              {account['password']}")
        print("  The password is not shown again; change it in the console.\n")
    sys.stdout.flush()


def down(json: Json = False) -> None:
    """Stop everything."""
    from app.processes.lifecycle import Installation

    stopped = Installation(load_settings()).stop()
    emit({"stopped": stopped}, json, lambda _: print("Teller is stopped" if stopped else "Teller was not running"))


def status(json: Json = False) -> int:
    """Show every process: its state, how long it runs, its memory, whether it is ready."""
    from app.processes.lifecycle import Installation

    installation = Installation(load_settings())
    found = installation.status()
    rows = [vars(process) for process in found or []]
    value = {"running": found is not None, "ready": bool(rows) and all(row["ready"] for row in rows), "processes": rows}
    emit({**value, "addresses": installation.addresses}, json, _print_status)
    if found is None:
        return NOT_RUNNING
    return 0 if value["ready"] else FAILED


def _print_status(value: dict[str, Any]) -> None:
    if not value["running"]:
        print("Teller is not running")
        return
    rows = [
        (
            row["name"],
            row["pid"] or "–",
            row["state"],
            _duration(row["uptime_seconds"]),
            f"{row['memory_mb']:.0f}",
            _yes(row["ready"]),
        )
        for row in value["processes"]
    ]
    print_table(("process", "pid", "state", "up for", "MB", "ready"), rows, right=("pid", "up for", "MB"))
    print(
        f"{sum(row['memory_mb'] for row in value['processes']):.0f} MB in all; chat page {value['addresses']['chat']}"
    )


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours}:{minutes:02}:{rest:02}"


def doctor(json: Json = False) -> int:
    """Check the installation; every fault is named with its remedy."""
    from app.processes.doctor import examine

    findings = examine(load_settings())
    value = {"ok": all(finding.ok for finding in findings), "checks": [vars(finding) for finding in findings]}
    emit(value, json, _print_findings)
    return 0 if value["ok"] else FAILED


def _print_findings(value: dict[str, Any]) -> None:
    for check in value["checks"]:
        print(f"{'✓' if check['ok'] else '✗'} {check['name']:<28} {check['detail']}")
        if not check["ok"]:
            print(f"  what to do: {check['remedy']}")
    faults = sum(not check["ok"] for check in value["checks"])
    print("\nNo fault found" if not faults else f"\n{faults} fault{'s' if faults > 1 else ''} found")
