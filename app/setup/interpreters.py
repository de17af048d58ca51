"""Find the two Pythons: 3.11 or newer for the product, 3.10 for the bot (Rasa 3.6 runs on no newer one).

A candidate counts only when it runs: `python3.10` on PATH may be a pyenv shim that fails at once.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.setup.commands import StepFailed, StepOutput
from app.setup.places import STAMPS

MAIN_VERSIONS = ("3.11", "3.12", "3.13")  # in order of preference; the locks are made for the first
BOT_VERSIONS = ("3.10",)
PROBE_SECONDS = 15
PROBE = """
import importlib.util as u, json, sys
found = bool(u.find_spec("venv") and u.find_spec("ensurepip"))
print(json.dumps([getattr(sys, "_base_executable", sys.executable), list(sys.version_info[:3]), found]))
"""


@dataclass(frozen=True)
class Interpreter:
    path: str
    version: tuple[int, ...]
    makes_environments: bool  # Debian's Python cannot without the package python3-venv

    @property
    def minor(self) -> str:
        return f"{self.version[0]}.{self.version[1]}"


def find_interpreter(versions: Iterable[str]) -> Interpreter | None:
    """A working interpreter of the first of `versions` that has one.

    One that can make environments before one that cannot.
    """
    second_best: Interpreter | None = None
    for version in versions:
        for path in _candidates(version):
            found = probe(path, version)
            if found and found.makes_environments:
                return found
            second_best = second_best or found
    return second_best


def probe(path: Path | str, version: str) -> Interpreter | None:
    """Run the interpreter at `path`; None when it does not run, or is not of `version` ("3.10")."""
    try:
        result = subprocess.run(
            [str(path), "-I", "-c", PROBE], check=False, capture_output=True, text=True, timeout=PROBE_SECONDS
        )
        executable, numbers, makes_environments = json.loads(result.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    found = Interpreter(executable, tuple(numbers), makes_environments)
    return found if found.minor == version else None


def _candidates(version: str) -> Iterator[Path]:
    seen: set[Path] = set()
    for path in (*_on_path(version), *_in_pyenv(version), *_from_uv(version)):
        if path not in seen and os.access(path, os.X_OK):
            seen.add(path)
            yield path


def _on_path(version: str) -> Iterator[Path]:
    for folder in os.get_exec_path():
        yield Path(folder, f"python{version}")
        yield Path(folder, "python3")


def _in_pyenv(version: str) -> Iterator[Path]:
    roots = [os.environ.get("PYENV_ROOT"), Path.home() / ".pyenv", "/opt/pyenv", "/usr/local/pyenv"]
    for root in roots:
        # PYENV_ROOT may still name the folder of the user one was before `su`.
        if root and os.access(Path(root, "versions"), os.R_OK | os.X_OK):
            yield from sorted(Path(root, "versions").glob(f"{version}.*/bin/python{version}"), reverse=True)


def _from_uv(version: str) -> Iterator[Path]:
    yield from sorted(
        (Path.home() / ".local/share/uv/python").glob(f"cpython-{version}.*/bin/python{version}"), reverse=True
    )
    if uv := _uv():
        try:
            result = subprocess.run(
                [uv, "python", "find", "--no-python-downloads", version],
                check=False,
                capture_output=True,
                text=True,
                timeout=PROBE_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired):
            return
        if result.returncode == 0:
            yield Path(result.stdout.strip())


def _uv() -> str | None:
    own = STAMPS / "tools" / "bin" / "uv"
    return shutil.which("uv") or (str(own) if own.exists() else None)


def obtain_bot_interpreter(output: StepOutput) -> Interpreter:
    """A working Python 3.10, installed by uv (itself installed apart if need be) when the machine has none."""
    if found := find_interpreter(BOT_VERSIONS):
        return found
    output.say("no Python 3.10 here; asking uv for one")
    if uv := _uv() or _install_uv(output):
        output.command([uv, "python", "install", "3.10"], may_fail=True)
        if found := find_interpreter(BOT_VERSIONS):
            return found
    raise StepFailed(
        "no working Python 3.10, which the bot needs",
        remedy="`pyenv install 3.10`, or `uv python install 3.10`, or put a python3.10 on PATH; then run it again",
        log=output.log,
    )


def _install_uv(output: StepOutput) -> str | None:
    folder = STAMPS / "tools"
    if not output.command([sys.executable, "-m", "venv", "--clear", folder], may_fail=True):
        return None
    output.command([folder / "bin" / "python", "-m", "pip", "install", "--no-input", "uv"], may_fail=True)
    return _uv()


def obtain_main_interpreter() -> Interpreter:
    """A working Python for the main environment."""
    if found := find_interpreter(MAIN_VERSIONS):
        return found
    raise StepFailed(
        "no working Python 3.11 or newer", remedy="install python3.11 and python3-venv, or one by `pyenv install 3.11`"
    )
