"""Log mel energies of 8 kHz speech, computed as Kaldi computes them before its cosine transform.

The network is trained on log mel energies, because noise, gain and telephone lines can be imitated on them at next to
no cost (`asr.training.distortion`). The recogniser hands it MFCCs, which are the same numbers under an invertible
linear map; `mfcc_from_log_mel()` is that map, and the export folds its inverse into the first layer.
"""

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.fft import rfft

Floats = npt.NDArray[np.float32]

SAMPLE_RATE = 8000
FRAME_LENGTH = 200  # 25 ms
FRAME_SHIFT = 80  # 10 ms
FFT_LENGTH = 256
MEL_BINS = 40
LOW_HERTZ, HIGH_HERTZ = 40.0, 3800.0
CEPSTRAL_LIFTER = 22.0
PREEMPHASIS = 0.97


def log_mel(samples: npt.NDArray[np.float32 | np.int16]) -> Floats:
    """Log mel energies [frames, MEL_BINS] of `samples`: one channel, 8 kHz, in the range of 16-bit integers.

    The same as Kaldi's compute-fbank-feats with --dither=0 and its default window (povey), DC removal and preemphasis.
    """
    frames = _frames(np.asarray(samples, np.float32))
    frames -= frames.mean(axis=1, keepdims=True)
    frames[:, 1:] -= PREEMPHASIS * frames[:, :-1]
    frames[:, 0] *= 1 - PREEMPHASIS
    spectrum = rfft(frames * _window(), FFT_LENGTH, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    energies = power[:, : FFT_LENGTH // 2] @ _mel_banks().T
    return np.asarray(np.log(np.maximum(energies, np.finfo(np.float32).eps)), np.float32)


def _frames(samples: Floats) -> Floats:
    """Overlapping frames [frames, FRAME_LENGTH], whole ones only."""
    if len(samples) < FRAME_LENGTH:
        return np.zeros((0, FRAME_LENGTH), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(samples, FRAME_LENGTH)
    return windows[::FRAME_SHIFT].copy()


@cache
def _window() -> Floats:
    """Kaldi's "povey" window: a Hann window to the power of 0.85, which reaches zero at its ends."""
    return (np.hanning(FRAME_LENGTH) ** 0.85).astype(np.float32)


@cache
def _mel_banks() -> Floats:
    """Triangular filters [MEL_BINS, FFT_LENGTH // 2], equally spaced and shaped on the mel scale."""
    low, high = _mel(np.array(LOW_HERTZ)), _mel(np.array(HIGH_HERTZ))
    edges = np.linspace(low, high, MEL_BINS + 2)
    points = _mel(np.arange(FFT_LENGTH // 2) * SAMPLE_RATE / FFT_LENGTH)
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (points - left) / (centre - left), (right - points) / (right - centre)
    return np.maximum(np.minimum(rising, falling), 0).astype(np.float32)


def _mel(hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 1127.0 * np.log1p(hertz / 700.0)


def mel_centres() -> npt.NDArray[np.float64]:
    """The centre frequency of each mel bin in hertz."""
    edges = np.linspace(_mel(np.array(LOW_HERTZ)), _mel(np.array(HIGH_HERTZ)), MEL_BINS + 2)
    return np.asarray(700.0 * np.expm1(edges[1:-1] / 1127.0))


def mfcc_from_log_mel() -> npt.NDArray[np.float64]:
    """The matrix [MEL_BINS, MEL_BINS] that turns log mel energies into Kaldi's MFCCs: liftered orthonormal DCT-II."""
    ceps = np.arange(MEL_BINS)[:, None]
    transform = np.sqrt(2 / MEL_BINS) * np.cos(np.pi / MEL_BINS * (np.arange(MEL_BINS) + 0.5) * ceps)
    transform[0] = np.sqrt(1 / MEL_BINS)
    lifter = 1 + 0.5 * CEPSTRAL_LIFTER * np.sin(np.pi * ceps / CEPSTRAL_LIFTER)
    return np.asarray(lifter * transform)
