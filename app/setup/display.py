"""What set-up shows: on a terminal a line per running step, renewed in place; elsewhere plain lines."""

import shutil
import sys
import threading
import time
from typing import TextIO

TITLE_WIDTH = 38
SIGN_OF_LIFE_SECONDS = 30


class Display:
    """Shows steps as they start, go on and end. Safe to call from several threads."""

    def __init__(self, stream: TextIO | None = None, *, quiet_skips: bool = False) -> None:
        self.stream = stream or sys.stdout
        self.live = self.stream.isatty()
        self.quiet_skips = quiet_skips
        self._running: dict[str, float] = {}
        self._latest: dict[str, str] = {}
        self._painted = 0
        self._last_sign = time.monotonic()
        self._lock = threading.RLock()

    def started(self, title: str) -> None:
        with self._lock:
            self._running[title] = time.monotonic()
            if not self.live:
                self._line(f"  … {title}")
            self._repaint()

    def progress(self, title: str, text: str) -> None:
        """Remember `text` as the latest that step `title` said."""
        with self._lock:
            self._latest[title] = text

    def skipped(self, title: str) -> None:
        if not self.quiet_skips:
            self._line(f"  ✓ {title:<{TITLE_WIDTH}} unchanged")

    def finished(self, title: str) -> None:
        self._ended("✓", title)

    def failed(self, title: str) -> None:
        self._ended("✗", title)

    def tick(self) -> None:
        """Renew what is shown; call it a few times a second."""
        with self._lock:
            if self.live:
                self._repaint()
            elif time.monotonic() - self._last_sign > SIGN_OF_LIFE_SECONDS:
                self._last_sign = time.monotonic()
                for title in self._running:
                    self._line(f"  … {title:<{TITLE_WIDTH}} {self._elapsed(title)}  {self._latest.get(title, '')[:80]}")

    def close(self) -> None:
        with self._lock:
            self._wipe()

    def _ended(self, sign: str, title: str) -> None:
        with self._lock:
            elapsed = self._elapsed(title)
            self._running.pop(title, None)
            self._line(f"  {sign} {title:<{TITLE_WIDTH}} {elapsed}")

    def _elapsed(self, title: str) -> str:
        return f"{time.monotonic() - self._running[title]:6.1f} s"

    def _line(self, text: str) -> None:
        with self._lock:
            self._wipe()
            print(text, file=self.stream, flush=True)
            self._repaint()

    def _wipe(self) -> None:
        if self._painted:
            self.stream.write("\r" + "\x1b[1A\x1b[2K" * self._painted)
            self.stream.flush()
            self._painted = 0

    def _repaint(self) -> None:
        if not self.live:
            return
        self._wipe()
        width = shutil.get_terminal_size().columns - 1
        for title in self._running:
            line = f"  … {title:<{TITLE_WIDTH}} {self._elapsed(title)}  {self._latest.get(title, '')}"
            self.stream.write(line[:width] + "\n")
        self._painted = len(self._running)
        self.stream.flush()
