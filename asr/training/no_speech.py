"""Sounds that are no speech: what a recogniser must answer with nothing.

A network that has only heard speech calls a chord or a key tone speech, and unsurely: the decoder then follows
thousands of words, at many times the usual work.
"""

from collections.abc import Callable, Iterator

import numpy as np

from asr.training.features import SAMPLE_RATE, Floats
from asr.training.recordings import Clip, Samples

CLIPS = 600
SEED = 11
KEY_HERTZ = ((697, 770, 852, 941), (1209, 1336, 1477, 1633))  # ITU-T Q.23
RINGING, BUSY = (1.0, 4.0), (0.35, 0.35)  # seconds of 450 Hz and of silence (YD/T 1065)
LINE_HERTZ = 450.0
LOWEST_NOTE, NOTES = 110.0, 36  # A2 and the three octaves above it


def no_speech() -> Iterator[tuple[Clip, Samples]]:
    """CLIPS sounds of 1.5 to 6 seconds at SAMPLE_RATE, the kinds in turn, the same at each call."""
    for number in range(CLIPS):
        rng = np.random.default_rng((SEED, number))
        kind = KINDS[number % len(KINDS)]
        sound = kind(rng.uniform(1.5, 6), rng)
        loudest = 10 ** rng.uniform(2.3, 4.3)
        samples = sound * (loudest / (np.abs(sound).max() + 1e-9)) + rng.standard_normal(len(sound)) * rng.uniform(
            0, 20
        )
        yield Clip("", "", "no speech"), np.clip(samples, -32768, 32767).astype(np.int16)


def key_tones(seconds: float, rng: np.random.Generator) -> Floats:
    sound = np.zeros(int(seconds * SAMPLE_RATE), np.float32)
    held = rng.uniform(0.07, 2)
    start = 0
    while start < len(sound):
        length = int(held * rng.uniform(0.7, 1.3) * SAMPLE_RATE)
        pair = [rng.choice(group) for group in KEY_HERTZ]
        piece = sound[start : start + length]
        piece += sum(_sine(hertz, len(piece)) for hertz in pair)
        start += length + int(rng.uniform(0.05, 0.5) * SAMPLE_RATE)
    return sound


def line_tones(seconds: float, rng: np.random.Generator) -> Floats:
    on, off = RINGING if rng.random() < 0.5 else BUSY
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE + rng.uniform(0, on)
    return _sine(LINE_HERTZ, len(time)) * (time % (on + off) < on)


def music(seconds: float, rng: np.random.Generator) -> Floats:
    """One to three voices of plucked or held notes with harmonics."""
    sound = np.zeros(int(seconds * SAMPLE_RATE), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        beat, harmonics = rng.uniform(0.15, 4), rng.uniform(0.1, 0.7)
        start = 0
        while start < len(sound):
            length = min(int(beat * rng.choice((0.5, 1, 2)) * SAMPLE_RATE) + 1, len(sound) - start)
            hertz = LOWEST_NOTE * 2 ** (int(rng.integers(0, NOTES)) / 12)
            overtones = range(1, int(3800 / hertz) + 1)
            note = sum(harmonics ** (n - 1) * _sine(hertz * n, length) for n in overtones)
            fading = np.exp(-np.arange(length) / SAMPLE_RATE * rng.uniform(0, 6))
            sound[start : start + length] += note * fading
            start += length
    return sound


def steady_noise(seconds: float, rng: np.random.Generator) -> Floats:
    """White to brown, its loudness wandering."""
    frequencies = np.fft.rfftfreq(int(seconds * SAMPLE_RATE), 1 / SAMPLE_RATE)
    spectrum = np.fft.rfft(rng.standard_normal(int(seconds * SAMPLE_RATE))) / (frequencies + 50) ** rng.uniform(0, 1)
    noise = np.fft.irfft(spectrum, int(seconds * SAMPLE_RATE))
    steps = np.cumsum(rng.normal(0, 0.3, int(seconds * 10) + 2))
    loudness = np.interp(np.arange(len(noise)) / SAMPLE_RATE * 10, np.arange(len(steps)), steps)
    return np.asarray(noise * 10 ** (np.clip(loudness, -2, 2) / 4), np.float32)


def knocks(seconds: float, rng: np.random.Generator) -> Floats:
    """Keys, doors, a telephone put down: short bursts that ring."""
    sound = np.zeros(int(seconds * SAMPLE_RATE), np.float32)
    for start in rng.integers(0, len(sound) - 400, int(rng.uniform(1, 4 * seconds))):
        length = int(rng.integers(40, 400))
        ringing = rng.standard_normal(length) * 0.4 + _sine(rng.uniform(80, 2500), length)
        sound[start : start + length] += (
            ringing * np.exp(-np.arange(length) / rng.uniform(10, 100)) * rng.uniform(0.2, 1)
        )
    return sound


def hum(seconds: float, rng: np.random.Generator) -> Floats:
    """A power line or a motor: a low tone with harmonics."""
    hertz = rng.choice((50, 60, rng.uniform(40, 300)))
    parts = [rng.uniform(0, 1) / n * _sine(hertz * n, int(seconds * SAMPLE_RATE)) for n in range(1, 12)]
    return np.asarray(sum(parts), np.float32)


KINDS: tuple[Callable[[float, np.random.Generator], Floats], ...] = (
    key_tones, music, steady_noise, line_tones, knocks, music, steady_noise, hum,
)  # fmt: skip


def _sine(hertz: float, length: int) -> Floats:
    return np.sin(2 * np.pi * hertz * np.arange(length) / SAMPLE_RATE).astype(np.float32)
