"""`teller doctor`: look at every part of the installation and name each fault with its remedy."""

import re
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.processes.database import database_file, database_revision, newest_revision
from app.processes.lifecycle import Installation
from app.processes.ports import clashing_ports, taken_ports
from app.setup.environments import BOT_LOCK, MAIN_LOCK, TORCH
from app.setup.places import BOT_ENV, MAIN_ENV, PROJECT, STAMPS, python_of
from app.setup.plan import built_steps, select
from app.setup.steps import Stamps
from core.settings import Settings

ENOUGH_DISK_GB = 1.0
SET_UP = "run `make setup`"
UP = "run `teller up`"


@dataclass(frozen=True)
class Finding:
    """What a check saw. `remedy` is for a fault only."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


Check = Callable[[Settings], Finding]


def examine(settings: Settings) -> list[Finding]:
    """All checks in order. A check that fails itself is a fault too."""
    return [_run(name, check, settings) for name, check in CHECKS.items()]


def _run(name: str, check: Check, settings: Settings) -> Finding:
    try:
        return check(settings)
    except Exception as error:
        return Finding(
            name, False, f"the check failed: {type(error).__name__}: {error}", "see the log files in var/log"
        )


def _finding(name: str, fault: str, remedy: str, fine: str) -> Finding:
    return Finding(name, not fault, fault or fine, remedy if fault else "")


def _main_python(_settings: Settings) -> Finding:
    version = _version(MAIN_ENV)
    fault = "" if version and version >= (3, 11) else f"no Python of 3.11 or newer runs in {MAIN_ENV}"
    return _finding("python", fault, SET_UP, _dotted(version))


def _bot_python(_settings: Settings) -> Finding:
    version = _version(BOT_ENV)
    fault = "" if version and version[:2] == (3, 10) else f"no Python 3.10 runs in {BOT_ENV}"
    return _finding("bot python", fault, SET_UP, _dotted(version))


def _version(environment: Path) -> tuple[int, ...] | None:
    command = [str(python_of(environment)), "-c", "import platform; print(platform.python_version())"]
    try:
        result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=20)
        return tuple(int(part) for part in result.stdout.strip().split("."))
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def _dotted(version: tuple[int, ...] | None) -> str:
    return ".".join(map(str, version or ()))


def _main_packages(_settings: Settings) -> Finding:
    return _packages("packages", MAIN_ENV, MAIN_LOCK, (TORCH,))


def _bot_packages(_settings: Settings) -> Finding:
    return _packages("bot packages", BOT_ENV, BOT_LOCK, ())


def _packages(name: str, environment: Path, lock: Path, more: tuple[str, ...]) -> Finding:
    wanted = locked_versions(lock.read_text(encoding="utf-8"), more)
    wrong = differing(wanted, installed_versions(environment))
    fault = f"{len(wrong)} of {len(wanted)} packages differ from {lock.name}: {', '.join(wrong[:6])}" if wrong else ""
    return _finding(name, fault, SET_UP, f"{len(wanted)} packages as locked")


def locked_versions(lock: str, more: tuple[str, ...] = ()) -> dict[str, str]:
    """Name -> version of a lock file's text whose conditions hold for this platform as far as they name one."""
    versions = {}
    for line in [*lock.splitlines(), *more]:
        found = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)\s*(;[^\\]*)?", line)
        if found and not re.search(r"==\s*['\"](win32|darwin|Windows|Darwin)", found[3] or ""):
            versions[_normal(found[1])] = found[2]
    return versions


def installed_versions(environment: Path) -> dict[str, str]:
    """Name -> version of what is installed in `environment`."""
    versions = {}
    for entry in (environment / "lib").glob("python3.*/site-packages/*-info"):
        # "name-1.0.dist-info", or "name-1.0-py3.10.egg-info" of a package without a wheel
        if found := re.fullmatch(r"(.+?)-([^-]+)(-py[\d.]+)?\.(dist|egg)-info", entry.name):
            versions[_normal(found[1])] = found[2]
    return versions


def differing(wanted: dict[str, str], installed: dict[str, str]) -> list[str]:
    """Each package that is missing or of another version, in words."""
    lines = []
    for name, version in wanted.items():
        present = installed.get(name)
        if present is None:
            lines.append(f"{name} is missing")
        elif present.partition("+")[0] != version.partition("+")[0]:
            lines.append(f"{name} {present} instead of {version}")
    return lines


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _embedding_archive(_settings: Settings) -> Finding:
    missing = [
        name for name in ("e5-small-zh.npz", "tokenizer.json") if not (PROJECT / "kb" / "model" / name).is_file()
    ]
    fault = f"missing in kb/model: {', '.join(missing)}" if missing else ""
    return _finding("embedding archive", fault, "restore it: `git checkout -- kb/model`", "kb/model")


def _embedding_model(settings: Settings) -> Finding:
    if settings.embedding_model:
        return Finding("embedding model", True, f"set by TELLER_EMBEDDING_MODEL: {settings.embedding_model}")
    return _step("embedding model", "model", "not unpacked, or the archive has changed", UP)


def _speech_model(settings: Settings) -> Finding:
    from asr.model_folder import check_loads, model_in_use, model_version
    from asr.problems import ModelUnusable

    folder = model_in_use(settings)
    try:
        check_loads(folder)
    except ModelUnusable as problem:
        remedy = "restore it: `git checkout -- asr/models`; or correct TELLER_ASR_MODEL"
        return Finding("speech model", False, problem.detail, remedy)
    return Finding("speech model", True, model_version(folder))


def _pages(_settings: Settings) -> Finding:
    return _step("web pages", "web-build", "web/dist is missing or older than its sources", SET_UP)


def _bot_model(_settings: Settings) -> Finding:
    return _step("bot model", "bot-model", "not trained, or what it learns from has changed", "run `teller nlu train`")


def _step(name: str, step: str, fault: str, remedy: str) -> Finding:
    (found,) = select(built_steps(dev=False), [step])
    return _finding(name, "" if Stamps(STAMPS).is_done(found) else fault, remedy, "up to date")


def _database(settings: Settings) -> Finding:
    file = database_file(settings)
    if file and not file.exists():  # to look inside would make it
        return Finding("database", False, f"there is none at {file} yet", UP)
    try:
        present = database_revision(settings)
    except Exception as error:
        remedy = "start the database, or correct TELLER_DATABASE_URL"
        return Finding("database", False, f"cannot be reached: {str(error).splitlines()[0]}", remedy)
    newest = newest_revision(settings)
    fault = "" if present == newest else f"its tables are of revision {present or 'none'}, this version needs {newest}"
    return _finding("database", fault, UP, f"reachable, revision {newest}")


def _articles(settings: Settings) -> Finding:
    from kb.commands import status

    if not _database(settings).ok:
        return Finding("articles and index", False, "cannot be seen without the database", UP)
    found = status(settings)
    fault = "" if found.get("articles") else "the knowledge base has no articles"
    if not fault and found.get("consistent") is False:
        fault = "the index differs from the articles"
    detail = (
        f"{found.get('articles')} articles, {found.get('questions')} questions, generation {found.get('generation')}"
    )
    return _finding("articles and index", fault, "run `teller kb rebuild`, or `teller up` for the first load", detail)


def _ports(settings: Settings) -> Finding:
    installation = Installation(settings)
    problems = clashing_ports(installation.table)
    if not problems and not installation.supervisor.is_running():
        problems = [str(taken) for taken in taken_ports(installation.table)]
    ports = ", ".join(f"{process.name} {process.port}" for process in installation.table)
    return _finding("ports", "; ".join(problems), "free the port, or set another one in .env", ports)


def _disk(settings: Settings) -> Finding:
    folder = settings.data_dir if settings.data_dir.exists() else PROJECT
    free = shutil.disk_usage(folder).free / 1e9
    fault = f"only {free:.1f} GB free at {folder}" if free < ENOUGH_DISK_GB else ""
    return _finding("disk", fault, "free disk space; old logs are in var/log", f"{free:.0f} GB free")


def _secrets(settings: Settings) -> Finding:
    path = settings.data_dir / "secrets.json"
    if not path.exists():
        return Finding("secrets", True, "not made yet; the first start makes them")
    mode = stat.S_IMODE(path.stat().st_mode)
    fault = f"{path} can be read by others (mode {mode:03o})" if mode & 0o077 else ""
    return _finding("secrets", fault, f"run `chmod 600 {path}`", f"{path.name} is the owner's alone")


def _processes(settings: Settings) -> Finding:
    installation = Installation(settings)
    found = installation.status()
    if found is None:
        return Finding("processes", True, "not running")
    bad = [f"{process.name} is {process.state} and not ready" for process in found if not process.ready]
    logs = ", ".join(str(installation.files.log_of(process.name)) for process in found if not process.ready)
    return _finding(
        "processes", "; ".join(bad), f"read {logs}; `teller down` and `teller up` start afresh", "all ready"
    )


CHECKS: dict[str, Check] = {
    "python": _main_python,
    "packages": _main_packages,
    "bot python": _bot_python,
    "bot packages": _bot_packages,
    "web pages": _pages,
    "embedding archive": _embedding_archive,
    "embedding model": _embedding_model,
    "bot model": _bot_model,
    "speech model": _speech_model,
    "database": _database,
    "articles and index": _articles,
    "secrets": _secrets,
    "disk": _disk,
    "ports": _ports,
    "processes": _processes,
}
