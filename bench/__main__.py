"""Speed and memory of the running product, as ratios against a named peer in the same run: `make bench`.

Starts the product when it is not running, and stops it again then.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from app.processes.lifecycle import Installation
from bench import knowledge, memory, speech, turns
from core.settings import Settings, get_settings

TELLER = (sys.executable, "-m", "app.cli")


@contextmanager
def running(settings: Settings) -> Iterator[None]:
    if Installation(settings).status() is not None:
        yield
        return
    subprocess.run([*TELLER, "up", "--detach"], check=True)
    try:
        yield
    finally:
        subprocess.run([*TELLER, "down"], check=True)


def main() -> None:
    settings = get_settings()
    with running(settings):
        turns.main(settings)
        memory.main(settings)
        knowledge.main(settings)
    speech.main(settings)


if __name__ == "__main__":
    main()
