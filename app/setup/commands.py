"""Run the commands of a step.

Output to a log file, the latest line as progress, and a readable cause when one fails.
"""

import os
import re
import selectors
import shlex
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from app.setup.places import PROJECT

TAIL_LINES = 12
SILENT_SECONDS = 1200  # a command that says nothing for so long hangs
END_SECONDS = 5

# What a command's output says -> what to do about it.
REMEDIES = (
    (r"No space left on device|ENOSPC", "free disk space (a full set-up takes about 8 GB), then run it again"),
    (
        r"name resolution|service not known|ENOTFOUND|EAI_AGAIN|unreachable|refused|TimeoutError|ETIMEDOUT|ECONNRESET",
        "check the network and the proxy settings of pip and npm, then run it again",
    ),
    (
        r"DO NOT MATCH THE HASHES|EINTEGRITY",
        "a download differs from the lock file: its cache is damaged (`pip cache purge`, `npm cache verify`)",
    ),
    (
        r"No matching distribution found",
        "the configured package index does not have this version; check pip's index settings",
    ),
    (r"Permission denied|EACCES", "check who owns the project folder; do not mix root and another user"),
    (r"MemoryError|Killed|out of memory", "not enough memory; set-up needs about 4 GB"),
)


class StepFailed(Exception):
    """A step did not go well: `cause` in a line, the last `lines` of output, and what to do about it."""

    def __init__(
        self, cause: str, *, lines: Sequence[str] = (), remedy: str = "", log: Path | None = None, title: str = ""
    ) -> None:
        super().__init__(cause)
        self.title = title
        self.cause = cause
        self.lines = list(lines)
        self.remedy = remedy or _remedy_for("\n".join([cause, *lines]))
        self.log = log

    def block(self) -> str:
        """The failure as one readable block of text."""
        parts = [f"{self.title or 'A step'} failed: {self.cause}"]
        parts += [f"  | {line}" for line in self.lines]
        if self.remedy:
            parts.append(f"  what to do: {self.remedy}")
        if self.log:
            parts.append(f"  whole output: {self.log}")
        return "\n".join(parts)


def _remedy_for(text: str) -> str:
    return next((remedy for pattern, remedy in REMEDIES if re.search(pattern, text)), "")


class Interrupt(threading.Event):
    """Set when the person stops the run; commands under way then end."""


class StepOutput:
    """Given to a running step: says what it is doing, and runs commands."""

    resumes_interrupted = False  # an earlier run of the same step was cut off and may have left half a result

    def __init__(self, title: str, log: Path, progress: Callable[[str, str], None], interrupt: Interrupt) -> None:
        self.title = title
        self.log = log
        self._progress = progress
        self._interrupt = interrupt
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(b"")

    def say(self, text: str) -> None:
        """Show `text` beside the step while it runs."""
        self._progress(self.title, text)

    def command(
        self,
        command: Sequence[str | Path],
        *,
        folder: Path = PROJECT,
        environment: Mapping[str, str] | None = None,
        remedy: str = "",
        may_fail: bool = False,
    ) -> bool:
        """Run `command` and tell whether it went well; a failing one raises StepFailed unless it `may_fail`."""
        shown = shlex.join(str(part) for part in command)
        tail: deque[str] = deque(maxlen=TAIL_LINES)
        with self.log.open("a", encoding="utf-8", buffering=1) as log:

            def take(line: str) -> None:
                tail.append(line)
                log.write(f"{line}\n")

            log.write(f"$ {shown}\n")
            code = self._follow(command, folder, environment, take)
        if code == 0 or may_fail:
            return code == 0
        cause = f"`{_short(shown)}` {'was killed by signal ' + str(-code) if code < 0 else f'ended with code {code}'}"
        raise StepFailed(
            cause, lines=list(tail), remedy=remedy if not _remedy_for("\n".join(tail)) else "", log=self.log
        )

    def _follow(
        self,
        command: Sequence[str | Path],
        folder: Path,
        environment: Mapping[str, str] | None,
        take: Callable[[str], object],
    ) -> int:
        try:
            # A group of its own: Ctrl-C reaches us alone, and we end the whole group.
            process = subprocess.Popen(
                [str(part) for part in command], cwd=folder, env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise StepFailed(f"cannot run {command[0]}: {error.strerror}", log=self.log) from None
        try:
            for line in self._lines(process):
                take(line)
                if line.strip():
                    self.say(line.strip())
            return process.wait()
        finally:
            if process.poll() is None:
                _end_group(process)

    def _lines(self, process: subprocess.Popen[bytes]) -> "Lines":
        return Lines(process, self._interrupt)


class Lines:
    """The output lines of a process as they come; stops the wait when the run is interrupted or the process hangs."""

    def __init__(self, process: subprocess.Popen[bytes], interrupt: Interrupt) -> None:
        assert process.stdout is not None
        self.stream = process.stdout
        self.interrupt = interrupt
        self.rest = b""
        self.ready: deque[str] = deque()
        self.heard = time.monotonic()
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.stream, selectors.EVENT_READ)

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        while not self.ready:
            if self.interrupt.is_set():
                raise StepFailed("interrupted")
            if self.selector.select(timeout=0.2):
                self._read()
            elif time.monotonic() - self.heard > SILENT_SECONDS:
                raise StepFailed(f"no sign of life for {SILENT_SECONDS // 60} minutes; it was ended")
        return self.ready.popleft()

    def _read(self) -> None:
        self.heard = time.monotonic()
        data = self.stream.read1(65536)  # type: ignore[attr-defined]
        if not data:
            if self.rest:
                self.ready.append(_text(self.rest))
                self.rest = b""
                return
            self.selector.close()
            raise StopIteration
        *lines, self.rest = re.split(rb"\r\n|\n|\r", self.rest + data)
        self.ready.extend(_text(line) for line in lines)


def _text(line: bytes) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line.decode("utf-8", "replace")).rstrip()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(END_SECONDS)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _short(command: str, limit: int = 110) -> str:
    return command if len(command) <= limit else command[: limit - 1] + "…"
