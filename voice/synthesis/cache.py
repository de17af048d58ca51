"""Sentences that have been spoken before, as files named by what made them; the least used go when it is full."""

import hashlib
import os
import threading
from contextlib import suppress
from pathlib import Path

from voice.synthesis.sound import packed, unpacked

FORM = 2  # counts up when something else is made of an engine's sound: what was kept before is made anew
SPARE = 0.9  # of the limit is kept when room is made, so that this is not done for every sentence


def key(sentence: str, engine: str, speed: float) -> str:
    """Volume and rate are applied afterwards and do not count."""
    return hashlib.sha256(f"{FORM}\n{engine}\n{speed:.2f}\n{sentence}".encode()).hexdigest()


class SoundCache:
    """Safe for several threads and processes: a file appears whole or not at all."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self._size = sum(path.stat().st_size for path in self._files())

    def get(self, name: str) -> tuple[bytes, int] | None:
        path = self._path(name)
        try:
            content = path.read_bytes()
            os.utime(path)  # used now: the last to go
        except OSError:
            return None
        try:
            return unpacked(content)
        except RuntimeError:  # damaged on the disk
            path.unlink(missing_ok=True)
            return None

    def has(self, name: str) -> bool:
        return self._path(name).exists()

    def put(self, name: str, pcm: bytes, rate: int) -> None:
        """A full disk costs the cache, not the caller's sentence: raises OSError for who minds."""
        content = packed(pcm, rate)
        path = self._path(name)
        draft = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        path.parent.mkdir(exist_ok=True)
        try:
            draft.write_bytes(content)
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        with self._lock:
            self._size += len(content)
            if self._size > self._limit:
                self._make_room()

    def _make_room(self) -> None:
        ages = []
        for path in self._files():
            with suppress(OSError):
                status = path.stat()
                ages.append((status.st_mtime, status.st_size, path))
        self._size = sum(size for _, size, _ in ages)
        for _, size, path in sorted(ages):
            if self._size <= self._limit * SPARE:
                return
            path.unlink(missing_ok=True)
            self._size -= size

    def _files(self) -> list[Path]:
        return list(self._folder.glob("??/*.flac"))

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / f"{name}.flac"
