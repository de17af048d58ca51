"""What lies between a mouth and a recogniser: speaking rate, rooms, narrow lines, their codecs and their noise.

All functions take and return float32 samples in the range of 16-bit integers, at 8 kHz unless they say otherwise.
"""

from functools import cache

import numpy as np
import numpy.typing as npt
import soxr
from scipy.signal import butter, fftconvolve, sosfilt

from asr.training.features import SAMPLE_RATE

Floats = npt.NDArray[np.float32]

FULL_SCALE = 32768.0
A_LAW_A = 87.6  # ITU-T G.711
MU_LAW_MU = 255.0
TELEPHONE_BAND_HERTZ = (300, 3400)


def change_speed(samples: Floats, factor: float) -> Floats:
    """Play `factor` times as fast, which raises the pitch by the same factor."""
    return np.asarray(soxr.resample(samples, factor, 1.0, quality="MQ"), np.float32)


def reverberate(samples: Floats, seconds: float, strength: float, rng: np.random.Generator) -> Floats:
    """Add a room whose echo falls by 60 dB in `seconds`; `strength` is its amplitude against the direct sound."""
    length = max(2, int(seconds * SAMPLE_RATE))
    response = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length) * strength
    response[: SAMPLE_RATE // 500] = 0  # the first wall is some decimetres away
    response[0] = 1
    return np.asarray(fftconvolve(samples, response)[: len(samples)], np.float32)


def telephone_band(samples: Floats) -> Floats:
    """Keep what a telephone line carries."""
    return np.asarray(sosfilt(_telephone_filter(), samples), np.float32)


@cache
def _telephone_filter() -> npt.NDArray[np.float64]:
    return np.asarray(butter(4, TELEPHONE_BAND_HERTZ, btype="band", fs=SAMPLE_RATE, output="sos"))


def a_law(samples: Floats) -> Floats:
    """Through G.711 A-law and back: 8 bits a sample on its companding curve."""
    x = np.clip(samples / FULL_SCALE, -1, 1)
    size = np.abs(x)
    scale = 1 + np.log(A_LAW_A)
    compressed = np.where(size < 1 / A_LAW_A, A_LAW_A * size, 1 + np.log(np.maximum(A_LAW_A * size, 1))) / scale
    coded = _eight_bits(compressed) * scale
    restored = np.where(coded < 1, coded / A_LAW_A, np.exp(coded - 1) / A_LAW_A)
    return np.asarray(np.sign(x) * restored * FULL_SCALE, np.float32)


def mu_law(samples: Floats) -> Floats:
    """Through G.711 µ-law and back: 8 bits a sample on its companding curve."""
    x = np.clip(samples / FULL_SCALE, -1, 1)
    coded = _eight_bits(np.log1p(MU_LAW_MU * np.abs(x)) / np.log1p(MU_LAW_MU))
    return np.asarray(np.sign(x) * np.expm1(coded * np.log1p(MU_LAW_MU)) / MU_LAW_MU * FULL_SCALE, np.float32)


def _eight_bits(size: Floats) -> Floats:
    """The nearest of the 128 values that a code with one sign bit has, as G.711: the middle of each step."""
    return np.asarray((np.minimum(np.floor(size * 128), 127) + 0.5) / 128)


def add_noise(samples: Floats, decibels: float, rng: np.random.Generator, noise: Floats | None = None) -> Floats:
    """Add `noise` (white when None), `decibels` below the level of the speech.

    The level of the speech is the mean power of its louder half in blocks of 20 ms, so that pauses do not count.
    """
    noise = rng.standard_normal(len(samples)).astype(np.float32) if noise is None else np.resize(noise, len(samples))
    power = speech_power(samples) / 10 ** (decibels / 10)
    return np.asarray(samples + noise * np.sqrt(power / (np.mean(noise**2) + 1e-9)), np.float32)


def speech_power(samples: Floats) -> float:
    """Mean power of the louder half of `samples`, in blocks of 20 ms."""
    block = SAMPLE_RATE // 50
    count = len(samples) // block
    if count == 0:
        return float(np.mean(samples**2)) if len(samples) else 0.0
    powers = np.sort(np.mean(samples[: count * block].reshape(count, block) ** 2, axis=1))
    return float(powers[count // 2 :].mean())


def vary(samples: Floats, rng: np.random.Generator) -> Floats:
    """One imitation of another speaker in another room on another line."""
    samples = change_speed(samples, rng.uniform(0.85, 1.18))
    if rng.random() < 0.4:
        samples = reverberate(samples, rng.uniform(0.1, 0.5), rng.uniform(0.02, 0.12), rng)
    if rng.random() < 0.4:
        samples = telephone_band(samples)
    if rng.random() < 0.5:
        level = rng.uniform(300, 8000)  # quiet speech is where a codec's steps are heard
        samples = samples * (level / (np.sqrt(speech_power(samples)) + 1e-3))
        samples = a_law(samples) if rng.random() < 0.7 else mu_law(samples)
    return samples
