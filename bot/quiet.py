"""Rasa, TensorFlow and their friends talk on both outputs; a command's result must stand alone on stdout."""

import os
import sys
import warnings
from typing import TextIO


def claim_stdout() -> TextIO:
    """Send everything that is printed from now on, C libraries included, to stderr; returns the real stdout."""
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    sys.stdout.flush()
    result = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return result
