"""The step runner: runs what changed, in parallel where steps do not depend on each other, and resumes where one
failed.

A step that went well leaves a stamp with the fingerprint of its inputs; it is skipped while both still agree and what
it made is still there.
"""

import hashlib
import json
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.setup.commands import Interrupt, StepFailed, StepOutput
from app.setup.display import Display

PARALLEL = 3  # one lane each for the two Python environments and the web pages
TICK_SECONDS = 0.2


@dataclass(frozen=True)
class Step:
    """One thing that set-up makes.

    `fingerprint` gives the state of the inputs (None: the step runs every time); `accepts` gives further fingerprints
    under which the result serves as well; `made` tells whether the result is still there; `stamped_in` is where its
    stamp is kept when not with the others.
    """

    name: str
    title: str
    run: Callable[[StepOutput], None]
    fingerprint: Callable[[], str] | None = None
    after: tuple[str, ...] = ()
    made: Callable[[], bool] = field(default=lambda: True)
    accepts: Callable[[], Iterable[str]] = field(default=lambda: ())
    stamped_in: Path | None = None


class Stamps:
    """The fingerprints of finished steps, one small file each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def is_done(self, step: Step) -> bool:
        """Whether `step` has run with its present inputs and its result is still there."""
        if step.fingerprint is None or not step.made():
            return False
        stamp = self._read(step)
        return stamp is not None and (stamp == step.fingerprint() or stamp in step.accepts())

    def is_interrupted(self, step: Step) -> bool:
        """Whether `step` was begun and its end was never seen: a kill, a power cut."""
        return self._begun(step).exists()

    def begin(self, step: Step) -> None:
        self._path(step).parent.mkdir(parents=True, exist_ok=True)
        self._path(step).unlink(missing_ok=True)
        self._begun(step).touch()

    def forget(self, step: Step) -> None:
        """Let `step` run again."""
        self._path(step).unlink(missing_ok=True)

    def end(self, step: Step, fingerprint: str | None) -> None:
        """Record the end of `step`: `fingerprint` of its inputs when it went well, else None."""
        if fingerprint is not None:
            draft = self._path(step).with_suffix(".new")
            draft.write_text(json.dumps({"fingerprint": fingerprint, "at": time.strftime("%Y-%m-%dT%H:%M:%S%z")}))
            os.replace(draft, self._path(step))
        self._begun(step).unlink(missing_ok=True)

    def _read(self, step: Step) -> str | None:
        try:
            return str(json.loads(self._path(step).read_text())["fingerprint"])
        except (FileNotFoundError, ValueError, KeyError):
            return None

    def _path(self, step: Step) -> Path:
        return (step.stamped_in or self.folder) / f"{step.name}.json"

    def _begun(self, step: Step) -> Path:
        return self._path(step).with_suffix(".begun")


def fingerprint(*inputs: str | Path, without: Sequence[str] = ()) -> str:
    """Hash strings, and files and folders by content. `without` names folders and files to leave out, at any depth."""
    total = hashlib.sha256()
    for entry in inputs:
        if isinstance(entry, str):
            total.update(f"text {entry}\n".encode())
            continue
        for path in _files(entry, without):
            total.update(f"file {path.relative_to(entry)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def _files(path: Path, without: Sequence[str]) -> list[Path]:
    if path.is_file():
        return [path]
    skipped = {"__pycache__", *without}
    found = []
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in skipped)
        found += [Path(folder, name) for name in sorted(files) if name not in skipped]
    return found


def run_steps(steps: Sequence[Step], stamps: Stamps, logs: Path, display: Display) -> None:
    """Run all `steps` that are not done, each after those it names in `after` (unknown names there count as done).

    Raises StepFailed for the first one that fails; those already running are let finish, so that the next run need not
    repeat them. On Ctrl-C the running commands are ended and KeyboardInterrupt goes on.
    """
    _Run(steps, stamps, logs, display).to_the_end()


class _Run:
    def __init__(self, steps: Sequence[Step], stamps: Stamps, logs: Path, display: Display) -> None:
        self.waiting = list(steps)
        self.unfinished = {step.name for step in steps}
        self.running = 0
        self.stamps, self.logs, self.display = stamps, logs, display
        self.finished: queue.Queue[tuple[Step, BaseException | None]] = queue.Queue()
        self.interrupt = Interrupt()
        self.failure: BaseException | None = None

    def to_the_end(self) -> None:
        try:
            while self.running or (self.waiting and not self.failure):
                self._start_all_possible()
                self._take_one_result()
        except KeyboardInterrupt:
            self.interrupt.set()
            while self.running:
                self._take_one_result()
            raise
        finally:
            self.display.close()
        if self.failure:
            raise self.failure

    def _start_all_possible(self) -> None:
        for step in list(self.waiting):
            if self.failure or self.running >= PARALLEL:
                return
            if self.unfinished.isdisjoint(step.after):
                self.waiting.remove(step)
                self._start(step)

    def _start(self, step: Step) -> None:
        if self.stamps.is_done(step):
            self.display.skipped(step.title)
            self.unfinished.remove(step.name)
            return
        self.running += 1
        self.display.started(step.title)
        threading.Thread(target=self._work, args=(step,), name=step.name, daemon=True).start()

    def _work(self, step: Step) -> None:
        try:
            output = StepOutput(step.title, self.logs / f"{step.name}.log", self.display.progress, self.interrupt)
            output.resumes_interrupted = self.stamps.is_interrupted(step)
            before = step.fingerprint() if step.fingerprint else None
            self.stamps.begin(step)
            step.run(output)
            if not step.made():
                raise StepFailed("its commands went well, but what it should make is not there", log=output.log)
            self.stamps.end(step, before)
            self.finished.put((step, None))
        except BaseException as error:
            # A command that ended by itself has tidied up after itself; one that we ended may have left half a result.
            if not self.interrupt.is_set():
                self.stamps.end(step, None)
            self.finished.put((step, error))

    def _take_one_result(self) -> None:
        if not self.running:
            return
        try:
            step, error = self.finished.get(timeout=TICK_SECONDS)
        except queue.Empty:
            self.display.tick()
            return
        self.running -= 1
        if error is None:
            self.unfinished.remove(step.name)
            self.display.finished(step.title)
            return
        self.display.failed(step.title)
        self.failure = self.failure or _as_failure(step, error)


def _as_failure(step: Step, error: BaseException) -> BaseException:
    if isinstance(error, StepFailed):
        error.title = step.title
        return error
    if isinstance(error, OSError | ValueError):
        return StepFailed(f"{type(error).__name__}: {error}", title=step.title)
    return error
