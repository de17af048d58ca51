"""A PostgreSQL server of the tests' own: in a temporary folder, on a free port, never as root."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg
from psycopg import sql

DEBIAN = Path("/usr/lib/postgresql")
UNPRIVILEGED = ("postgres", "nobody")
# Nothing here outlives the tests, so nothing waits for the disk.
OPTIONS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}


def programs() -> Path | None:
    """The folder of the newest server's programs; Debian keeps them off PATH."""
    versions = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]), reverse=True)
    found = versions[0] if versions else shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def why_no_server() -> str:
    if programs() is None:
        return "no PostgreSQL server is installed here (Debian: apt-get install postgresql)"
    if os.geteuid() == 0 and _unprivileged() is None:
        return "PostgreSQL does not run as root, and there is no unprivileged account to run it"
    return ""


def _unprivileged() -> pwd.struct_passwd | None:
    accounts = {account.pw_name: account for account in pwd.getpwall()}
    return next((accounts[name] for name in UNPRIVILEGED if name in accounts), None)


class PostgresServer:
    """Runs inside a `with` block."""

    def __init__(self) -> None:
        self._programs = programs() or Path()
        self._folder = Path(tempfile.mkdtemp(prefix="teller-postgres-"))
        self._port = _free_port()
        self._as: dict[str, Any] = {}
        account = _unprivileged()
        if os.geteuid() == 0 and account:
            os.chown(self._folder, account.pw_uid, account.pw_gid)
            self._as = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def __enter__(self) -> "PostgresServer":
        data, log = self._folder / "data", self._folder / "log"
        options = " ".join(f"-c {name}={value}" for name, value in OPTIONS.items())
        try:
            self._call("initdb", "-D", data, "-U", "teller", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
            self._call(
                "pg_ctl", "start", "-w", "-t", "60", "-D", data, "-l", log,
                "-o", f"-h 127.0.0.1 -p {self._port} -k {self._folder} {options}",
            )  # fmt: skip
        except AssertionError as failed:
            told = log.read_text(errors="replace") if log.exists() else ""
            self._remove()
            raise AssertionError(f"{failed}\n{told}") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._call("pg_ctl", "stop", "-w", "-m", "immediate", "-D", self._folder / "data")
        finally:
            self._remove()

    def _call(self, program: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments], cwd=self._folder, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=120, check=False, **self._as,
        )  # fmt: skip
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    def _remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://teller@127.0.0.1:{self._port}/{database}"

    def make_database(self, name: str) -> None:
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def copy_database(self, template: str) -> str:
        """A new database like `template`; gives its name."""
        name = f"test_{uuid.uuid4().hex}"
        self._run(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop_database(self, name: str) -> None:
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(
            host="127.0.0.1", port=self._port, user="teller", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement)


def _free_port() -> int:
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        return int(attempt.getsockname()[1])
