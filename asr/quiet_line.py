"""Digital silence, which no microphone gives, as the faint noise of a quiet line.

A muted line or a gap between packets is exactly zero. There the logarithms of the features are far from anything that
the network has heard, no word is less likely than another, and the decoder follows thousands: many times the work and
memory.
"""

import random
from array import array

SAMPLES = 80  # 10 ms at 8 kHz
LOUDEST = 20  # of 32767: -64 dB
_ZEROS = bytes(2 * SAMPLES)
_PIECES = 64  # different ones, so that the noise has no pitch


def _noise() -> list[bytes]:
    rng = random.Random(7)  # noqa: S311 (the same for all: what is heard can be heard again)
    return [array("h", (rng.randint(-LOUDEST, LOUDEST) for _ in range(SAMPLES))).tobytes() for _ in range(_PIECES)]


_NOISE = _noise()


def with_faint_noise(pcm: bytes) -> bytes:
    """16-bit PCM with its stretches of 10 ms of zeros filled by noise; all other samples stay."""
    if _ZEROS not in pcm:
        return pcm
    filled = bytearray(pcm)
    step = len(_ZEROS)
    for number, start in enumerate(range(0, len(pcm) - step + 1, step)):
        if filled[start : start + step] == _ZEROS:
            filled[start : start + step] = _NOISE[number % _PIECES]
    return bytes(filled)
