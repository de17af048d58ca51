"""The logs of all processes as one stream of readable lines, each with the name of its process."""

import os
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
TRACEBACK = "Traceback (most recent call last):"
LINKS = ("During handling of the above exception", "The above exception was the direct cause")
TAIL_BYTES = 64_000


@dataclass
class LogFile:
    """Reads what is added to a log file, over its rotation too."""

    path: Path
    _offset: int = 0
    _inode: int = 0
    _rest: bytes = b""

    @classmethod
    def at_end(cls, path: Path) -> "LogFile":
        """A reader of what comes from now on."""
        try:
            state = path.stat()
        except FileNotFoundError:
            return cls(path)
        return cls(path, state.st_size, state.st_ino)

    def new_lines(self) -> list[str]:
        """The whole lines added since the last call."""
        try:
            with self.path.open("rb") as file:
                state = os.fstat(file.fileno())
                lines = self._end_of_rotated(state.st_ino)
                if state.st_ino != self._inode or state.st_size < self._offset:
                    self._inode, self._offset, self._rest = state.st_ino, 0, b""
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        self._offset += len(data)
        return lines + self._split(data)

    def _end_of_rotated(self, inode: int) -> list[str]:
        """What was still written to the file before it was renamed to `<name>.1`."""
        rotated = self.path.with_name(self.path.name + ".1")
        if not self._inode or inode == self._inode:
            return []
        try:
            with rotated.open("rb") as file:
                if os.fstat(file.fileno()).st_ino != self._inode:
                    return []
                file.seek(self._offset)
                return self._split(file.read())
        except FileNotFoundError:
            return []

    def _split(self, data: bytes) -> list[str]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [COLOURS.sub("", line.decode("utf-8", "replace")).rstrip() for line in lines]


@dataclass
class EventMerger:
    """Turns lines into events: a traceback becomes one line with its exception; empty lines go."""

    name: str
    log: Path
    _in_traceback: bool = False
    _held: str = field(default="")

    def events(self, lines: list[str]) -> Iterator[str]:
        for line in lines:
            yield from self._take(line)

    def _take(self, line: str) -> Iterator[str]:
        text = line.strip()
        if not text or text.startswith(LINKS):
            return
        if text.endswith(TRACEBACK):
            self._in_traceback = True
            lead = text.removesuffix(TRACEBACK).strip()
            self._held = f"{lead} " if lead else ""
        elif not self._in_traceback:
            yield line
        elif not line.startswith((" ", "\t")):
            self._in_traceback = False
            yield f"{self._held}{text} (traceback in {self.log})"


def last_lines(path: Path, count: int = 12) -> list[str]:
    """The last `count` lines of a log that say something."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    lines = (COLOURS.sub("", line).rstrip() for line in text.splitlines())
    return list(deque((line for line in lines if line.strip()), maxlen=count))


EXITED = re.compile(r"exited: (\S+) \((?:terminated by (\w+)|exit status (\d+))[^)]*\)")
STARTED = re.compile(r"spawned: '(\S+)' with pid (\d+)")
STAYED = re.compile(r"success: (\S+) entered RUNNING")
STOPPING = re.compile(r"received SIG|shutdown request|waiting for .* to die|stopped: ")


@dataclass(frozen=True)
class Exited:
    name: str
    reason: str  # "SIGKILL", "code 1"
    pause_seconds: int

    def __str__(self) -> str:
        when = f"in {self.pause_seconds} s" if self.pause_seconds else "now"
        return f"{self.name} exited ({self.reason}); restarting {when}"


@dataclass(frozen=True)
class Started:
    name: str
    pid: int

    def __str__(self) -> str:
        return f"{self.name} started (pid {self.pid})"


@dataclass
class SupervisorEvents:
    """Reads supervisord's own log.

    It restarts at once after a good run, else after 1, 2, 3 … seconds; it does not say so.
    """

    _failures: dict[str, int] = field(default_factory=dict)
    _good: set[str] = field(default_factory=set)
    stopping: bool = False

    def events(self, lines: list[str]) -> Iterator[Exited | Started]:
        for line in lines:
            if found := EXITED.search(line):
                yield self._exited(found[1], found[2] or f"code {found[3]}")
            elif found := STARTED.search(line):
                yield Started(found[1], int(found[2]))
            elif found := STAYED.search(line):
                self._good.add(found[1])
                self._failures.pop(found[1], None)
            elif STOPPING.search(line):
                self.stopping = True

    def _exited(self, name: str, reason: str) -> Exited:
        if name in self._good:
            self._good.discard(name)
            return Exited(name, reason, 0)
        self._failures[name] = self._failures.get(name, 0) + 1
        return Exited(name, reason, self._failures[name])
