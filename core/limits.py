"""How often something may be done: a sliding window per key, in memory."""

import time
from collections import deque
from collections.abc import Callable

SWEEP_ABOVE = 10_000  # keys kept before stale ones are dropped


class RateLimit:
    def __init__(self, times: int, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self.times = times
        self.seconds = seconds
        self._now = now
        self._marks: dict[str, deque[float]] = {}

    def wait(self, key: str) -> float:
        """Seconds until `key` may go on; 0 when it may now. Counts nothing."""
        marks = self._fresh(key)
        return 0.0 if len(marks) < self.times else max(0.0, marks[0] + self.seconds - self._now())

    def count(self, key: str) -> None:
        if len(self._marks) > SWEEP_ABOVE:
            self._marks = {other: marks for other in list(self._marks) if (marks := self._fresh(other))}
        self._marks.setdefault(key, deque()).append(self._now())

    def allows(self, key: str) -> bool:
        """Count one more if it is within the limit."""
        if self.wait(key):
            return False
        self.count(key)
        return True

    def forget(self, key: str) -> None:
        self._marks.pop(key, None)

    def _fresh(self, key: str) -> deque[float]:
        marks = self._marks.get(key, deque())
        while marks and marks[0] <= self._now() - self.seconds:
            marks.popleft()
        return marks
