"""Digital silence, which no microphone gives, as the faint noise of a quiet line.

A muted line or a gap between packets is zero, or nearly. There the logarithms of the features are far from anything
that the network has heard, no word is less likely than another, and the decoder follows thousands: many times the work
and memory.
"""

import random
from array import array

SAMPLES = 80  # 10 ms at 8 kHz
SILENT = 8  # of 32767: what coders leave of silence
SPREAD = 15  # the noise's standard deviation: -67 dB
_LENGTH = 16_007  # samples before it repeats; no multiple of a message's length


def _noise() -> "array[int]":
    rng = random.Random(7)  # noqa: S311 (the same for all: what is heard can be heard again)
    once = [round(rng.gauss(0, SPREAD)) for _ in range(_LENGTH)]
    return array("h", [*once, *once[:SAMPLES]])


_NOISE = _noise()


def with_faint_noise(pcm: bytes, position: int = 0) -> bytes:
    """16-bit PCM whose silent stretches of 10 ms are filled by noise; all other samples stay. `position` is the number
    of samples before it in the stream."""
    samples = array("h", pcm[: len(pcm) & ~1])
    is_filled = False
    for start in range(0, len(samples), SAMPLES):
        piece = samples[start : start + SAMPLES]
        if max(piece) <= SILENT and min(piece) >= -SILENT:
            place = (position + start) % _LENGTH
            samples[start : start + len(piece)] = _NOISE[place : place + len(piece)]
            is_filled = True
    return samples.tobytes() if is_filled else pcm
