"""Memory of everything that `make up` starts (proportional set size, so that shared pages count once)."""

import psutil

from app.processes.lifecycle import Installation
from core.settings import Settings

LIMIT_GB = 3.0


def main(settings: Settings) -> None:
    total = 0
    installation = Installation(settings)
    supervisor = psutil.Process(int(installation.files.pid.read_text()))
    for name, process in _processes(installation, supervisor).items():
        size = process.memory_full_info().pss
        total += size
        print(f"memory of {name}: {size / 1e6:.0f} MB")
    print(f"memory of everything: {total / 1e9:.2f} GB (at most {LIMIT_GB:.0f})")


def _processes(installation: Installation, supervisor: psutil.Process) -> dict[str, psutil.Process]:
    """The supervisor and all its descendants, by name."""
    names = {status.pid: status.name for status in installation.status() or []}
    children = supervisor.children(recursive=True)
    return {"supervisor": supervisor} | {names.get(child.pid, f"child {child.pid}"): child for child in children}
