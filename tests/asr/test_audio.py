"""Decoding: every kind that comes in, and what is no audio."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from asr.audio import Limits, decode, decode_raw, read_audio, resampled
from asr.problems import AudioTooLong, AudioUnusable

pytestmark = pytest.mark.unit


def tone(rate: int, seconds: float = 0.5, hertz: float = 440.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def encoded(samples: np.ndarray, rate: int, kind: str, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind, subtype=subtype)
    return file.getvalue()


def loudest_hertz(pcm: bytes, rate: int) -> float:
    samples = np.frombuffer(pcm, "<i2").astype(float)
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * rate / len(samples))


@pytest.mark.parametrize(
    ("kind", "subtype", "rate"),
    [
        ("WAV", "PCM_16", 8000), ("WAV", "PCM_24", 16000), ("WAV", "FLOAT", 44100), ("WAV", "ALAW", 8000),
        ("WAV", "ULAW", 8000), ("FLAC", "PCM_16", 48000), ("OGG", "VORBIS", 44100), ("OGG", "OPUS", 24000),
    ],
)  # fmt: skip
def test_kinds_of_files(kind: str, subtype: str, rate: int) -> None:
    audio = decode(encoded(tone(rate), rate, kind, subtype))
    assert audio.rate == (16000 if rate >= 16000 else 8000)
    assert audio.seconds == pytest.approx(0.5, abs=0.05)
    assert loudest_hertz(audio.pcm, audio.rate) == pytest.approx(440, abs=10)


def test_stereo_at_44100_is_mixed() -> None:
    left, right = tone(44100), np.zeros(22050, np.float32)
    audio = decode(encoded(np.stack([left, right], axis=1), 44100, "WAV", "PCM_16"), rate=8000)
    assert (audio.rate, audio.seconds) == (8000, 0.5)
    assert np.abs(np.frombuffer(audio.pcm, "<i2")).max() == pytest.approx(32768 / 4, rel=0.1)


@pytest.mark.parametrize("encoding", ["alaw", "ulaw"])
def test_raw_telephone_samples(encoding: str) -> None:
    raw = io.BytesIO()
    soundfile.write(raw, tone(8000), 8000, format="RAW", subtype=encoding.upper())
    audio = decode_raw(raw.getvalue(), encoding, 8000, 16000)  # type: ignore[arg-type]
    assert (audio.rate, audio.seconds) == (16000, 0.5)
    assert loudest_hertz(audio.pcm, 16000) == pytest.approx(440, abs=10)


def test_raw_pcm_stays_as_it_is_but_for_half_a_sample() -> None:
    pcm = (tone(8000) * 32767).astype("<i2").tobytes()
    assert decode_raw(pcm + b"\1", "pcm", 8000).pcm == pcm


def test_clipped_and_broken_numbers_do_no_harm() -> None:
    samples = np.full(8000, 4.0, np.float32)
    samples[::7] = np.nan
    assert np.frombuffer(decode(encoded(samples, 8000, "WAV", "FLOAT")).pcm, "<i2").max() == 32767


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"), (b"hello, this is text" * 20, "not audio"), (b"RIFF\x24\0\0\0WAVEfmt ", "truncated"),
        (bytes(4000), "not audio"),
    ],
)  # fmt: skip
def test_no_audio(data: bytes, reason: str) -> None:
    with pytest.raises(AudioUnusable, match=reason):
        decode(data)


def test_header_without_sound() -> None:
    with pytest.raises(AudioUnusable, match="no sound"):
        decode(encoded(np.zeros(0, np.float32), 8000, "WAV", "PCM_16"))


def test_truncated_wav() -> None:
    whole = encoded(tone(8000), 8000, "WAV", "PCM_16")
    with pytest.raises(AudioUnusable, match="truncated, 2000 of 8000 bytes"):
        decode(whole[:2044])


def test_wav_from_a_pipe_has_no_length_and_is_whole() -> None:
    whole = bytearray(encoded(tone(8000), 8000, "WAV", "PCM_16"))
    struct.pack_into("<I", whole, whole.index(b"data") + 4, 0xFFFFFFFF)
    assert decode(bytes(whole)).seconds == 0.5


def test_limits() -> None:
    data = encoded(tone(8000, 3.0), 8000, "WAV", "PCM_16")
    with pytest.raises(AudioTooLong, match=r"longer than the 0\.02 minutes"):
        decode(data, limits=Limits(minutes=0.02))
    with pytest.raises(AudioTooLong, match="MB"):
        decode(data, limits=Limits(megabytes=0.01))


def test_too_large_a_file_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    with path.open("wb") as file:
        file.truncate(100_000_001)
    with pytest.raises(AudioTooLong, match=r"long\.wav"):
        read_audio(path)


def test_change_of_rate() -> None:
    pcm = (tone(16000) * 32767).astype("<i2").tobytes()
    assert len(resampled(pcm, 16000, 8000)) == len(pcm) // 2


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"RIFF\0\0\0\0WAVE", b"OggS", b"fLaC", b"ID3", b"FORM\0\0\0\0AIFF"])
)
def test_garbage_is_refused_or_decoded(data: bytes, beginning: bytes) -> None:
    try:
        decode(beginning + data)
    except (AudioUnusable, AudioTooLong):
        pass
