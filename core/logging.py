"""Logs.

One readable line per event, JSON by setting, with a correlation id; personal data is masked here and only here.
"""

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from core.masking import mask_values
from core.settings import Settings

UNMASKED = {"timestamp", "level", "logger", "process", "_record", "_from_structlog"}


def mask_event(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Mask every value that could come from outside, the event included: other libraries put values into it."""
    return {key: value if key in UNMASKED else mask_values(value) for key, value in event.items()}


def configure_logging(settings: Settings, process: str) -> None:
    """Set up structlog, and give the standard library's loggers the same chain."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=False),
        structlog.processors.format_exc_info,
        mask_event,
    ]
    renderer = _renderer(settings)
    # Our own lines do not go through the standard library's loggers: every turn writes one, and that halves its cost.
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=False,  # a cached one would keep writing where output went at its first line
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processor=renderer))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    for noisy in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(noisy).handlers = []
        logging.getLogger(noisy).propagate = True
    # Access lines carry addresses and no meaning of ours; turns and desk actions are logged as events.
    for quiet in ("uvicorn.access", "httpx", "httpcore", "websockets"):
        logging.getLogger(quiet).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(process=process)


def _renderer(settings: Settings) -> Processor:
    if settings.log_format == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
