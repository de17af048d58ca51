"""Start and stop Teller: what `teller up`, `down` and `status` do."""

import fcntl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from app.processes.configuration import RunFiles, run_files, write_configuration
from app.processes.following import Follower
from app.processes.logs import Exited, last_lines
from app.processes.ports import clashing_ports, taken_ports
from app.processes.readiness import is_ready, memory_mb
from app.processes.supervisor import Supervisor, SupervisorFailed, end_leftovers
from app.processes.table import Process, processes
from app.setup.commands import StepFailed
from app.setup.display import Display
from app.setup.places import BOT_ENV, STAMPS, STEP_LOGS, WEB, python_of
from app.setup.plan import database_steps, model_steps
from app.setup.steps import Stamps, run_steps
from core.settings import Settings

ASK_SECONDS = 0.3
HOPELESS_EXITS = 4  # a process that ended so often during the start will not come up by waiting longer
SHOWN_LINES = 12
REMIND_SECONDS = 10

Show = Callable[[str], None]


class UpFailed(Exception):
    """Teller could not be started; the text says why and what to do."""


@dataclass(frozen=True)
class ProcessStatus:
    name: str
    pid: int | None
    state: str
    uptime_seconds: float
    memory_mb: float
    ready: bool


@dataclass
class Started:
    """What `up` tells when all processes are ready."""

    addresses: dict[str, str]
    already_running: bool = False
    administrator: dict[str, str] | None = None
    seconds: float = 0.0
    processes: list[ProcessStatus] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {"running": True, **asdict(self)}


class Installation:
    """The Teller of one data folder: its processes, running or not."""

    def __init__(self, settings: Settings, table: list[Process] | None = None) -> None:
        self.settings = settings
        self.table = processes(settings) if table is None else table
        self.files = run_files(settings)
        self.supervisor = Supervisor(self.files)

    @property
    def addresses(self) -> dict[str, str]:
        """Where people find the pages."""
        url = self.settings.app_url
        return {"chat": f"{url}/", "console": f"{url}/console/", "api": f"{url}/docs"}

    def prepare(self, stream: TextIO) -> None:
        """Bring models, tables and articles up to date. Raises UpFailed."""
        for path in (python_of(BOT_ENV), WEB / "dist" / "index.html"):
            if not path.exists():
                raise UpFailed(f"{path} is missing; run `make setup` first")
        steps = [*model_steps(), *database_steps()]
        try:
            run_steps(steps, Stamps(STAMPS), STEP_LOGS, Display(stream))
        except StepFailed as failure:
            raise UpFailed(f"{failure.block()}\nThe next `teller up` goes on from here.") from None

    def check_before_start(self, show: Show) -> None:
        """Clear away what a killed supervisor left behind, and see that the ports are free. Raises UpFailed."""
        if ended := end_leftovers(self.files):
            show(f"  ended {len(ended)} processes that an earlier run had left behind")
        self.check_ports()

    def check_ports(self) -> None:
        """Raise UpFailed naming every port that is taken, by whom, and the remedy."""
        problems = clashing_ports(self.table) or [str(taken) for taken in taken_ports(self.table)]
        if problems:
            raise UpFailed("\n".join(problems))

    def start(self, show: Show) -> tuple[subprocess.Popen[bytes], Follower]:
        """Start all processes and wait until each is ready; on failure everything is stopped again. Raises UpFailed."""
        write_configuration(self.files, self.table)
        follower = Follower(self.files, self.table)
        try:
            process = self.supervisor.start()
        except SupervisorFailed as error:
            raise UpFailed(f"the supervisor did not start: {error}\nits log: {self.files.supervisor_log}") from None
        try:
            _Waiting(self, follower, show).for_all()
        except BaseException:
            self.supervisor.stop()
            process.wait()
            raise
        return process, follower

    def stop(self) -> bool:
        """Stop everything; False when nothing was running."""
        return self.supervisor.stop()

    def status(self) -> list[ProcessStatus] | None:
        """The state of every process; None when Teller is not running."""
        states = self.supervisor.states()
        if states is None:
            return None
        known = {state.name: state for state in states}
        return [_status(process, known) for process in self.table if process.name in known]

    def failure_of(self, process: Process, what: str) -> UpFailed:
        """The error for a process that does not come up: its last log lines and where to look."""
        log = self.files.log_of(process.name)
        lines = [f"{process.name} {what}", *(f"  | {line}" for line in last_lines(log, SHOWN_LINES))]
        return UpFailed("\n".join([*lines, f"  whole log: {log}", "  `teller doctor` checks the installation"]))


def _status(process: Process, known: dict[str, Any]) -> ProcessStatus:
    state = known[process.name]
    ready = bool(state.pid) and is_ready(process.ready_url)
    memory = round(memory_mb(state.pid), 1) if state.pid else 0.0
    return ProcessStatus(process.name, state.pid or None, state.state.lower(), state.uptime_seconds, memory, ready)


class _Waiting:
    """Waits until each process is ready, and shows which one it waits for."""

    def __init__(self, installation: Installation, follower: Follower, show: Show) -> None:
        self.installation, self.follower, self.show = installation, follower, show
        self.started = time.monotonic()
        self.waiting = {process.name: process for process in installation.table}
        self.exits: dict[str, int] = {}
        self.said = 0.0

    def for_all(self) -> None:
        self.show(f"  … waiting for {', '.join(self.waiting)}")
        while self.waiting:
            time.sleep(ASK_SECONDS)
            self._count_exits()
            for process in list(self.waiting.values()):
                self._look_at(process)
            self._remind()

    def _count_exits(self) -> None:
        for event in self.follower.new_events():
            if isinstance(event, Exited):
                self.exits[event.name] = self.exits.get(event.name, 0) + 1
                self.show(f"  ! {event}")

    def _look_at(self, process: Process) -> None:
        if is_ready(process.ready_url, 1.0):
            del self.waiting[process.name]
            self.show(f"  ✓ {process.name + ' is ready':<38} {self._elapsed():6.1f} s")
        elif self.exits.get(process.name, 0) >= HOPELESS_EXITS:
            raise self.installation.failure_of(process, "ends again and again")
        elif self._elapsed() > process.start_seconds:
            raise self.installation.failure_of(process, f"was not ready within {process.start_seconds} s")

    def _remind(self) -> None:
        if self.waiting and self._elapsed() - self.said > REMIND_SECONDS:
            self.said = self._elapsed()
            self.show(f"  … waiting for {', '.join(self.waiting)}")

    def _elapsed(self) -> float:
        return time.monotonic() - self.started


@contextmanager
def starting(files: RunFiles) -> Iterator[None]:
    """Hold the right to start this Teller. Raises UpFailed when somebody else is starting it."""
    files.folder.mkdir(parents=True, exist_ok=True)
    with Path(files.lock).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UpFailed("another `teller up` is starting it at this moment") from None
        yield


def first_administrator(settings: Settings) -> dict[str, str] | None:
    """The name and password of the first administrator, when it is made now; else None."""
    from accounts.commands import FIRST_ADMINISTRATOR, ensure_administrator

    password = ensure_administrator(settings)
    return {"username": FIRST_ADMINISTRATOR, "password": password} if password else None
