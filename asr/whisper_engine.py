"""Whisper through faster-whisper: a second pair of ears for stored audio, and an engine by setting.

Not part of the usual installation (extra `whisper`). It hears whole utterances, not a stream: a session
collects sound until `finish`, and has no partial results and no run-time phrases.
"""

import asyncio
import math
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from asr.audio import WIDE, resampled
from asr.engine import Transcript, Word
from asr.problems import AudioTooLong, EngineMissing, ModelUnusable
from asr.written_form import written_form

PROMPT = "以下是银行客服的普通话句子。"  # without it Whisper may write traditional characters
# Whisper invents sentences on silence; it then says so itself (Radford et al. 2022, section 4.5).
NO_SPEECH, UNLIKELY = 0.6, -1.0
LONGEST_SECONDS = 600
_SILENT = re.compile(r"[^\w%‰.]+")


class WhisperTranscriber:
    """Implements `asr.engine.Transcriber`."""

    def __init__(self, folder: Path) -> None:
        try:
            from faster_whisper import WhisperModel
        except ImportError:
            raise EngineMissing("Whisper is not installed; `.venv/bin/pip install faster-whisper` adds it") from None
        if not (folder / "model.bin").is_file():
            raise ModelUnusable(f"there is no Whisper model at {folder}; set TELLER_WHISPER_MODEL to its folder")
        self.model = f"whisper-{folder.name}"
        self._model: Any = WhisperModel(str(folder), device="cpu", compute_type="int8", local_files_only=True)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="whisper")  # it uses several cores itself

    def session(self, rate: int, phrases: Sequence[str] | None = None, alternatives: int = 0) -> "WhisperSession":
        return WhisperSession(self, rate)

    async def transcribe(self, pcm: bytes, rate: int) -> Transcript:
        return await asyncio.get_running_loop().run_in_executor(self._pool, partial(self._transcribe, pcm, rate))

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _transcribe(self, pcm: bytes, rate: int) -> Transcript:
        samples = np.frombuffer(pcm if rate == WIDE else resampled(pcm, rate, WIDE), "<i2").astype(np.float32) / 32768
        segments, _ = self._model.transcribe(
            samples, language="zh", initial_prompt=PROMPT, word_timestamps=True, condition_on_previous_text=False
        )
        return _transcript(segments, self.model)


class WhisperSession:
    """Implements `asr.engine.StreamingSession`."""

    def __init__(self, transcriber: WhisperTranscriber, rate: int) -> None:
        self._transcriber, self._rate = transcriber, rate
        self._pcm = bytearray()

    async def accept(self, pcm: bytes) -> Transcript | None:
        if len(self._pcm) + len(pcm) > LONGEST_SECONDS * self._rate * 2:
            raise AudioTooLong(f"an utterance of more than {LONGEST_SECONDS} s")
        self._pcm += pcm
        return None

    async def partial(self) -> str:
        return ""

    async def finish(self) -> Transcript:
        pcm, self._pcm = bytes(self._pcm[: len(self._pcm) & ~1]), bytearray()
        return await self._transcriber.transcribe(pcm, self._rate)

    def expect(self, phrases: Sequence[str] | None) -> None:
        """Whisper has no run-time phrases."""

    def close(self) -> None:
        self._pcm = bytearray()


def _transcript(segments: Iterable[Any], model: str) -> Transcript:
    kept = [one for one in segments if not (one.no_speech_prob > NO_SPEECH and one.avg_logprob < UNLIKELY)]
    words = [
        Word(text, float(word.start), float(word.end), float(word.probability))
        for segment in kept
        for word in segment.words or ()
        if (text := _SILENT.sub("", word.word))
    ]
    spoken = "".join(_SILENT.sub("", segment.text) for segment in kept)
    lengths = [max(segment.end - segment.start, 1e-3) for segment in kept]
    weighted = sum(math.exp(one.avg_logprob) * length for one, length in zip(kept, lengths, strict=True))
    return Transcript(
        text=written_form(spoken), spoken=spoken, confidence=min(1.0, weighted / sum(lengths)) if kept else 0.0,
        words=words, model=model, start=kept[0].start if kept else 0.0, end=kept[-1].end if kept else 0.0,
    )  # fmt: skip
