"""Show a running Teller in the foreground: its logs as one stream, and what happens to its processes."""

import time
from collections.abc import Callable, Iterable, Iterator

from app.processes.configuration import RunFiles
from app.processes.logs import EventMerger, Exited, LogFile, Started, SupervisorEvents
from app.processes.readiness import is_ready
from app.processes.table import Process

NAME_WIDTH = 8
LOOK_SECONDS = 0.25
ASK_SECONDS = 1.0
ASK_PATIENCE_SECONDS = 0.5


class Follower:
    """Collects what is new in all logs since it was made."""

    def __init__(self, files: RunFiles, table: Iterable[Process]) -> None:
        self.table = {process.name: process for process in table}
        self._logs = {name: LogFile.at_end(files.log_of(name)) for name in self.table}
        self._mergers = {name: EventMerger(name, files.log_of(name)) for name in self.table}
        self._supervisor_log = LogFile.at_end(files.supervisor_log)
        self.supervisor = SupervisorEvents()
        self._down: dict[str, float] = {}  # since when
        self._asked = 0.0

    def new_lines(self) -> Iterator[str]:
        """What happened since the last call, one line each, prefixed by the process's name."""
        for name, log in self._logs.items():
            for text in self._mergers[name].events(log.new_lines()):
                yield prefixed(name, text)
        for event in self.new_events():
            yield prefixed("teller", str(event))
        yield from self._back_again()

    def new_events(self) -> list[Exited | Started]:
        """Which processes have exited or started since the last call."""
        events = list(self.supervisor.events(self._supervisor_log.new_lines()))
        for event in events:
            if isinstance(event, Exited):
                self._down.setdefault(event.name, time.monotonic())
        return events

    def skip(self) -> None:
        """Leave out what the processes have said so far; all of them are ready."""
        self._logs = {name: LogFile.at_end(log.path) for name, log in self._logs.items()}
        self._down.clear()

    def _back_again(self) -> Iterator[str]:
        if not self._down or time.monotonic() - self._asked < ASK_SECONDS:
            return
        for name, since in list(self._down.items()):
            if is_ready(self.table[name].ready_url, ASK_PATIENCE_SECONDS):
                del self._down[name]
                yield prefixed("teller", f"{name} ready again after {time.monotonic() - since:.0f} s")
        self._asked = time.monotonic()


def prefixed(name: str, text: str) -> str:
    return f"{name:<{NAME_WIDTH}}| {text}"


def follow(follower: Follower, is_running: Callable[[], bool], show: Callable[[str], None]) -> None:
    """Show what happens until the supervisor is gone."""
    while True:
        running = is_running()
        for line in follower.new_lines():
            show(line)
        if not running:
            return
        time.sleep(LOOK_SECONDS)
