"""The supervisord configuration, generated from the process table, and the place of its socket."""

import getpass
import hashlib
import os
import shlex
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.processes.table import Process
from app.setup.places import PROJECT
from core.settings import Settings

SOCKET_PATH_BYTES = 107  # of sockaddr_un, less the closing zero
SUPERVISOR_SUFFIX_BYTES = 12  # supervisord binds to "<path>.<pid>" first

# supervisord restarts a process at once when it had run for START_SECONDS, and otherwise after 1, 2, 3 … seconds.
# So many tries mean that it never gives a process up: after a day of failing the pause has grown to 7 minutes.
START_SECONDS = 20
START_TRIES = 1_000_000
LOG_BYTES = "10MB"
LOG_BACKUPS = 5
MARK = "TELLER_SUPERVISED"  # in every process's environment: whose it is, to find leftovers


@dataclass(frozen=True)
class RunFiles:
    """Where a running Teller keeps its files; all of them are the owner's alone."""

    folder: Path
    logs: Path
    socket: Path

    @property
    def configuration(self) -> Path:
        return self.folder / "supervisord.conf"

    @property
    def pid(self) -> Path:
        return self.folder / "supervisord.pid"

    @property
    def lock(self) -> Path:
        return self.folder / "up.lock"

    @property
    def supervisor_log(self) -> Path:
        return self.logs / "supervisord.log"

    @property
    def mark(self) -> str:
        return hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]

    def log_of(self, name: str) -> Path:
        return self.logs / f"{name}.log"


def run_files(settings: Settings) -> RunFiles:
    """The files of the Teller that runs, or would run, on this data folder."""
    data = settings.data_dir.resolve()
    return RunFiles(data / "run", data / "log", socket_path(data / "run"))


def socket_path(folder: Path) -> Path:
    """`folder`/supervisord.sock, or a short path among the system's temporary files where that is too long."""
    path = folder / "supervisord.sock"
    if len(os.fsencode(path)) + SUPERVISOR_SUFFIX_BYTES <= SOCKET_PATH_BYTES:
        return path
    name = f"teller-{os.getuid()}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"
    place = Path(tempfile.gettempdir(), name, "s.sock")
    if len(os.fsencode(place)) + SUPERVISOR_SUFFIX_BYTES <= SOCKET_PATH_BYTES:
        return place
    return Path("/tmp", name, "s.sock")  # noqa: S108 - a folder of our own in it, entered by nobody else


def write_configuration(files: RunFiles, table: Iterable[Process]) -> None:
    """Write supervisord's configuration (it holds the internal token: mode 600) and make its folders."""
    files.folder.mkdir(parents=True, exist_ok=True)
    files.logs.mkdir(parents=True, exist_ok=True)
    _make_private(files.socket.parent)
    draft = files.configuration.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(configuration(files, table))
    os.replace(draft, files.configuration)


def _make_private(folder: Path) -> None:
    """A folder that nobody else can enter; in a shared place somebody else may have made it before us."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user")
    folder.chmod(0o700)


def configuration(files: RunFiles, table: Iterable[Process]) -> str:
    """The text of supervisord's configuration."""
    sections = [_section("unix_http_server", {"file": files.socket, "chmod": "0600"})]
    sections.append(_section("supervisord", _supervisord(files)))
    sections.append(
        _section(
            "rpcinterface:supervisor",
            {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        )
    )
    sections += [_program(files, process, rank) for rank, process in enumerate(table, start=1)]
    return "\n".join(sections)


def _supervisord(files: RunFiles) -> dict[str, object]:
    values: dict[str, object] = {
        "logfile": files.supervisor_log, "logfile_maxbytes": LOG_BYTES, "logfile_backups": LOG_BACKUPS, "loglevel":
        "info", "pidfile": files.pid, "nodaemon": "true", "silent": "true", "umask": "077", "nocleanup": "true",
        "directory": PROJECT,
    }  # fmt: skip
    if os.getuid() == 0:
        values["user"] = getpass.getuser()
    return values


def _program(files: RunFiles, process: Process, rank: int) -> str:
    environment = {**process.environment, MARK: files.mark}
    return _section(f"program:{process.name}", {
        "command": shlex.join(process.command), "directory": process.folder,
        "environment": ",".join(f"{key}={_quoted(value)}" for key, value in environment.items()),
        "priority": rank, "autostart": "true", "autorestart": "true", "startsecs": START_SECONDS, "startretries":
        START_TRIES, "stopsignal": "TERM", "stopwaitsecs": process.stop_seconds, "stopasgroup": "true", "killasgroup":
        "true", "redirect_stderr": "true", "stdout_logfile": files.log_of(process.name), "stdout_logfile_maxbytes":
        LOG_BYTES, "stdout_logfile_backups": LOG_BACKUPS,
    })  # fmt: skip


def _quoted(value: str) -> str:
    if any(sign in value for sign in '"\\\n'):
        raise ValueError("a process's environment may hold no quotes, backslashes or line ends")
    return f'"{value}"'


def _section(name: str, values: dict[str, object]) -> str:
    # supervisord expands %(…)s in every value
    return "\n".join([f"[{name}]", *(f"{key} = {str(value).replace('%', '%%')}" for key, value in values.items()), ""])
