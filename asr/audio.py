"""Audio of any kind to what recognisers take: 16-bit little-endian mono PCM at 8 or 16 kHz.

libsndfile decodes files (WAV with PCM, A-law or µ-law; FLAC; Ogg with Opus or Vorbis; MP3), soxr changes rates.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from asr.problems import AudioTooLong, AudioUnusable

Floats = npt.NDArray[np.float32]
Encoding = Literal["pcm", "alaw", "ulaw"]

NARROW, WIDE = 8000, 16000
LOWEST_RATE, HIGHEST_RATE = 4000, 192000
MOST_CHANNELS = 16
BLOCK_FRAMES = 1 << 16
_SUBTYPES = {"pcm": "PCM_16", "alaw": "ALAW", "ulaw": "ULAW"}
# A WAV that was written to a pipe has one of these for its length: nobody knew it.
_UNKNOWN_LENGTHS = {0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0x7FFFFFFF - 36}


@dataclass(frozen=True)
class Limits:
    megabytes: float = 100.0
    minutes: float = 60.0


@dataclass(frozen=True)
class Audio:
    pcm: bytes
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / self.rate


def read_audio(path: Path, rate: int | None = None, limits: Limits = Limits()) -> Audio:
    """Decode a file. `rate` defaults to 16000 for audio of at least that rate, else 8000.

    Raises AudioUnusable or AudioTooLong, whose text names the file.
    """
    size = path.stat().st_size
    if size > limits.megabytes * 1e6:
        raise AudioTooLong(f"{path.name}: {size / 1e6:.0f} MB are more than the {limits.megabytes:.0f} MB allowed")
    return decode(path.read_bytes(), rate, limits, path.name)


def decode(data: bytes, rate: int | None = None, limits: Limits = Limits(), name: str = "audio") -> Audio:
    """Decode a file's content; see `read_audio`."""
    if not data:
        raise AudioUnusable(f"{name}: the file is empty")
    if len(data) > limits.megabytes * 1e6:
        raise AudioTooLong(f"{name}: {len(data) / 1e6:.0f} MB are more than the {limits.megabytes:.0f} MB allowed")
    _refuse_truncated_wav(data, name)
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            return _decoded(file, rate, limits, name)
    except soundfile.LibsndfileError as error:
        raise AudioUnusable(f"{name}: not audio that can be decoded ({error.error_string})") from None


def decode_raw(
    data: bytes,
    encoding: Encoding,
    source_rate: int,
    rate: int | None = None,
    limits: Limits = Limits(),
) -> Audio:
    """Decode mono samples without a header."""
    if not data:
        raise AudioUnusable("audio: there is none")
    if encoding == "pcm":
        data = data[: len(data) // 2 * 2]
    stream: BinaryIO = io.BytesIO(data)
    with soundfile.SoundFile(
        stream, samplerate=source_rate, channels=1, format="RAW", subtype=_SUBTYPES[encoding], endian="LITTLE"
    ) as file:
        return _decoded(file, rate, limits, "audio")


def resampled(pcm: bytes, source_rate: int, rate: int) -> bytes:
    """PCM at another rate."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
    return _to_pcm(np.asarray(soxr.resample(samples, source_rate, rate), np.float32))


def _decoded(file: soundfile.SoundFile, rate: int | None, limits: Limits, name: str) -> Audio:
    source_rate = file.samplerate
    if not LOWEST_RATE <= source_rate <= HIGHEST_RATE or file.channels > MOST_CHANNELS:
        raise AudioUnusable(f"{name}: {file.channels} channels at {source_rate} Hz are no speech recording")
    rate = rate or (WIDE if source_rate >= WIDE else NARROW)
    most_frames = int(limits.minutes * 60 * source_rate)
    pieces, frames = [], 0
    change = soxr.ResampleStream(source_rate, rate, 1, dtype="float32") if rate != source_rate else None
    for block in _mono_blocks(file):
        frames += len(block)
        if frames > most_frames:
            raise AudioTooLong(f"{name}: longer than the {limits.minutes:g} minutes allowed")
        pieces.append(_to_pcm(change.resample_chunk(block) if change else block))
    if frames == 0:
        raise AudioUnusable(f"{name}: there is no sound in it")
    if change:
        pieces.append(_to_pcm(change.resample_chunk(np.zeros(0, np.float32), last=True)))
    return Audio(b"".join(pieces), rate)


def _mono_blocks(file: soundfile.SoundFile) -> Iterator[Floats]:
    while len(block := file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
        # A channel that is no number would make all of them so.
        yield np.nan_to_num(block.mean(axis=1, dtype=np.float32))


def _to_pcm(samples: Floats) -> bytes:
    return (np.clip(samples, -1.0, 32767 / 32768) * 32768).astype("<i2").tobytes()


def _refuse_truncated_wav(data: bytes, name: str) -> None:
    """A WAV whose header promises more than there is; libsndfile would take the rest for the whole."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return
    place = 12
    while place + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, place)
        if kind == b"data":
            there = len(data) - place - 8
            if size > there and size not in _UNKNOWN_LENGTHS:
                raise AudioUnusable(f"{name}: truncated, {there} of {size} bytes of sound are there")
            return
        place += 8 + size + size % 2
    raise AudioUnusable(f"{name}: truncated, it ends before its sound begins")
