"""Rasa and its friends talk on both outputs and at all levels; here only what someone has to act upon."""

import logging
import os
import sys
import warnings
from typing import Any, TextIO


def claim_stdout() -> TextIO:
    """Send everything that is printed from now on, C libraries included, to stderr; returns the real stdout."""
    sys.stdout.flush()
    result = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return result


def set_environment() -> None:
    """Before the first import of Rasa: no telemetry, no notices, one thread for each numerical library."""
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    os.environ["SQLALCHEMY_SILENCE_UBER_WARNING"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # The matrices of one sentence are small: more threads only wait for each other.
    for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(library, "1")
    # A filter would not last: some of Rasa's channels reset the filters when they are imported.
    warnings.showwarning = _show_what_matters


_show_any = warnings.showwarning


def _show_what_matters(message: Warning | str, category: type[Warning], *place: Any) -> None:
    if not issubclass(category, DeprecationWarning | PendingDeprecationWarning):
        _show_any(message, category, *place)


def quieten_logs() -> None:
    """After the import of Rasa: warnings and errors on stderr, one line each."""
    from rasa.utils.log_utils import configure_structlog

    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    configure_structlog(logging.WARNING)
    # jieba brings a handler of its own and, when it is imported, sets its level to DEBUG.
    import jieba

    jieba.setLogLevel(logging.WARNING)
