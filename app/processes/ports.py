"""Ports that are taken: by whom, and what to do about it."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from app.processes.table import Process

LISTENING = "0A"  # the state in /proc/net/tcp


@dataclass(frozen=True)
class TakenPort:
    process: str
    port: int
    setting: str
    owner: str  # "pid 123 (python3 -m http.server)"; empty when the system does not tell

    def __str__(self) -> str:
        by = f" by {self.owner}" if self.owner else " by another program"
        use = f"port {self.port}, which {self.process} needs, is in use{by}"
        return f"{use}: stop that program, or set {self.setting} to a free port"


def taken_ports(table: list[Process]) -> list[TakenPort]:
    """The ports of `table` that somebody listens on."""
    return [
        TakenPort(process.name, process.port, process.port_setting, _owner(process.port))
        for process in table
        if not _is_free(process.host, process.port)
    ]


def clashing_ports(table: list[Process]) -> list[str]:
    """Settings that name the same port, each clash as one line."""
    lines = []
    for index, process in enumerate(table):
        for other in table[:index]:
            if other.port == process.port:
                lines.append(
                    f"{other.port_setting} and {process.port_setting} are both {process.port}: give each its own port"
                )
    return lines


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError:
            return False
    return True


def _owner(port: int) -> str:
    inodes = _listening_inodes(port)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and inodes and _holds(entry, inodes):
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            return f"pid {entry.name} ({command[:80]})"
    return ""


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    return inodes


def _holds(process: Path, sockets: set[str]) -> bool:
    try:
        return any(os.readlink(link) in sockets for link in (process / "fd").iterdir())
    except OSError:
        return False
