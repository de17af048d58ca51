"""Noise, gain, lines and gaps imitated on log mel energies: fresh ones for every sentence at every step.

Adding noise to sound adds its energy in each mel bin, so on log mel energies it is a logaddexp. That costs a twentieth
of adding it to samples and computing features again.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from asr.training.features import MEL_BINS, Floats, log_mel, mel_centres

DIGITAL_SILENCE = float(np.log(np.finfo(np.float32).eps))
DECIBEL = float(np.log(10) / 10)
PAD_FRAMES = 30  # at most this much silence before and after a sentence
MASKED_BINS = 7
MASKED_FRAMES = 12
FRAMES_PER_MASK = 200
# The smallest step of 16-bit samples as noise: one twelfth of a step squared, times the window's energy.
ROUNDING_NOISE = float(np.log(80 / 12))


class Distorter:
    """Distorts sentences for training. `severity` from 0 to 1 says how much: a network that knows nothing yet learns
    from clear speech first."""

    def __init__(self, rng: np.random.Generator, severity: float = 1.0) -> None:
        self.rng = rng
        self.severity = severity
        self.white = log_mel((rng.standard_normal(8000 * 30) * 1.0).astype(np.float32))
        self.centres = mel_centres()

    def distort(self, sentence: Floats, others: Sequence[Floats]) -> Floats:
        """One distorted copy of `sentence` [frames, MEL_BINS]; `others` are sentences that may be heard behind it."""
        rng, severity = self.rng, self.severity
        level = _speech_level(sentence)
        x = self._with_silence(sentence)
        x = x + self._channel()
        if rng.random() < 0.2 + 0.5 * severity:
            quietest = 20 - 15 * severity
            x = np.logaddexp(x, self._noise(len(x), others) + (level - _decibels(rng.uniform(quietest, 40))))
        if rng.random() < 0.4:
            x = np.logaddexp(self._line(x), self._white(len(x)) + (level - _decibels(rng.uniform(25, 45))))
        x = x + _decibels(rng.uniform(-20, 6))
        x = np.logaddexp(x, self._white(len(x)) + ROUNDING_NOISE) if rng.random() < 0.8 else x
        return self._with_gaps(np.maximum(x, DIGITAL_SILENCE)).astype(np.float32)

    def _with_silence(self, sentence: Floats) -> Floats:
        before, after = self.rng.integers(0, PAD_FRAMES, 2)
        return np.pad(sentence, ((before, after), (0, 0)), constant_values=DIGITAL_SILENCE)

    def _channel(self) -> Floats:
        """The frequency response of a microphone: a slope and a slow wave, a few decibels over the band."""
        position = np.linspace(-1, 1, MEL_BINS)
        slope, depth, turns, phase = self.rng.normal(0, 4), self.rng.uniform(0, 3), *self.rng.uniform(0.5, 3, 2)
        curve = _decibels(1) * (slope * position + depth * np.sin(np.pi * turns * position + phase))
        return np.asarray(curve, np.float32)

    def _line(self, x: Floats) -> Floats:
        """Little below 300 and above 3400 hertz."""
        below = np.log2(np.maximum(300 / self.centres, 1)) * self.rng.uniform(6, 24)
        above = np.log2(np.maximum(self.centres / 3400, 1)) * self.rng.uniform(40, 120)
        return x - _decibels(1) * np.asarray(below + above, np.float32)

    def _noise(self, frames: int, others: Sequence[Floats]) -> Floats:
        """Noise [frames, MEL_BINS] of level 0: babble, one other voice, or steady noise of some colour."""
        kind = self.rng.random()
        if others and kind < 0.3:
            heard = [self._stretch(others[number], frames) for number in self.rng.integers(0, len(others), 4).tolist()]
            noise = np.logaddexp.reduce(heard)
        elif others and kind < 0.4:
            # One voice alone is speech too: keep it well below the one to be understood.
            noise = self._stretch(others[int(self.rng.integers(0, len(others)))], frames) - _decibels(8)
        else:
            colour = self.rng.normal(-3, 6) * np.linspace(-1, 1, MEL_BINS)
            wobble = np.cumsum(self.rng.normal(0, 0.03, frames))[:, None]
            noise = self._white(frames) + (_decibels(1) * colour + wobble).astype(np.float32)
        return np.asarray(noise - _speech_level(noise))

    def _stretch(self, sentence: Floats, frames: int) -> Floats:
        """A part of `frames` frames of an endlessly repeated sentence, at level 0."""
        start = self.rng.integers(0, len(sentence))
        return np.asarray(sentence[(start + np.arange(frames)) % len(sentence)] - _speech_level(sentence))

    def _white(self, frames: int) -> Floats:
        """White noise of amplitude 1, as log mel energies relative to its mean level in each bin."""
        start = self.rng.integers(0, len(self.white) - frames) if frames < len(self.white) else 0
        piece = self.white[start : start + frames]
        return piece if len(piece) == frames else np.resize(piece, (frames, MEL_BINS))

    def _with_gaps(self, x: Floats) -> Floats:
        """SpecAugment (Park et al. 2019): short gaps in time and narrow ones in frequency, filled with the mean."""
        x = x.copy()
        for _ in range(self.rng.poisson(self.severity * len(x) / FRAMES_PER_MASK)):
            width = int(self.rng.integers(1, MASKED_FRAMES))
            start = self.rng.integers(0, max(1, len(x) - width))
            x[start : start + width] = x.mean(axis=0)
        for _ in range(self.rng.integers(0, 3) if self.rng.random() < self.severity else 0):
            width = int(self.rng.integers(1, MASKED_BINS))
            start = self.rng.integers(0, MEL_BINS - width)
            x[:, start : start + width] = x.mean()
        return x


def _decibels(value: float) -> float:
    """Decibels as a difference of log energies."""
    return value * DECIBEL


def _speech_level(x: npt.NDArray[np.floating]) -> float:
    """The level of speech: log of the mean energy of the louder half of the frames."""
    energies = np.logaddexp.reduce(x, axis=1)
    louder = np.sort(energies)[len(energies) // 2 :]
    return float(np.logaddexp.reduce(louder) - np.log(len(louder)))
