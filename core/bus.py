"""In-process event bus: facts go out after the commit to everyone who listens; nobody's failure stops the others."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog

log = structlog.get_logger()

Event = TypeVar("Event")
Listener = Callable[[Any], Awaitable[None]]


class Bus:
    def __init__(self) -> None:
        self._listeners: dict[type, list[Listener]] = defaultdict(list)

    def subscribe(self, event: type[Event], listener: Callable[[Event], Awaitable[None]]) -> None:
        self._listeners[event].append(listener)

    async def publish(self, *events: object) -> None:
        """Give each event, in order, to its listeners. Call it after the commit, never inside the transaction."""
        for event in events:
            for listener in self._listeners[type(event)]:
                try:
                    await listener(event)
                except Exception:
                    log.exception("listener failed", listener=listener.__qualname__, happened=type(event).__name__)
