"""Whether a process answers, and how much memory it takes."""

import os
import urllib.error
import urllib.request
from pathlib import Path

PROBE_SECONDS = 2.0

# Our own processes are never behind the proxy of the environment.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def is_ready(url: str, seconds: float = PROBE_SECONDS) -> bool:
    """Whether `url` answers with a success within `seconds`."""
    try:
        with _DIRECT.open(url, timeout=seconds) as response:
            return bool(200 <= response.status < 300)
    except (OSError, ValueError):
        return False


def memory_mb(pid: int) -> float:
    """Resident memory of process `pid` and its descendants in MB; 0 when it is gone."""
    children: dict[int, list[int]] = {}
    pages: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                pages[int(entry.name)] = int((entry / "statm").read_text().split()[1])
            except (OSError, ValueError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    family, open_ends = [], [pid]
    while open_ends:
        member = open_ends.pop()
        family.append(member)
        open_ends += children.get(member, [])
    return sum(pages.get(member, 0) for member in family) * os.sysconf("SC_PAGE_SIZE") / 1e6
