"""Sound made louder, freed of silence, brought to another rate, and packed for keeping."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

Samples = npt.NDArray[np.float32]

QUIET = 0.002  # of full scale, over STEP_SECONDS: fainter than the breath before a word
STEP_SECONDS = 0.01


def samples_of(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)


def pcm_of(samples: Samples) -> bytes:
    return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


def at_rate(pcm: bytes, rate: int, wanted: int) -> bytes:
    return pcm if rate == wanted else pcm_of(np.asarray(soxr.resample(samples_of(pcm), rate, wanted), np.float32))


def trimmed(pcm: bytes, rate: int, before: float, after: float) -> bytes:
    """At most so many seconds of silence at its ends. What is silent altogether stays."""
    samples, step = samples_of(pcm), int(rate * STEP_SECONDS)
    steps = samples[: len(samples) // step * step].reshape(-1, step)
    loud = np.flatnonzero(np.sqrt((steps**2).mean(axis=1)) > QUIET)
    if not len(loud):
        return pcm
    first = max(0, int(loud[0]) * step - int(before * rate))
    last = (int(loud[-1]) + 1) * step + int(after * rate)
    return pcm[first * 2 : last * 2]


def at_volume(pcm: bytes, volume: float) -> bytes:
    """Louder by pressing the peaks (tanh) instead of cutting them; quieter by scaling."""
    if volume == 1:
        return pcm
    samples = samples_of(pcm) * volume
    return pcm_of(np.asarray(np.tanh(samples), np.float32) if volume > 1 else samples)


def packed(pcm: bytes, rate: int, container: str = "FLAC") -> bytes:
    """As a lossless FLAC file: half the size of PCM, and every browser plays it."""
    file = io.BytesIO()
    soundfile.write(file, np.frombuffer(pcm, "<i2"), rate, format=container, subtype="PCM_16")
    return file.getvalue()


def unpacked(content: bytes) -> tuple[bytes, int]:
    """PCM and its rate. Raises RuntimeError for a damaged file."""
    samples: Any
    samples, rate = soundfile.read(io.BytesIO(content), dtype="int16")
    return samples.astype("<i2").tobytes(), int(rate)
