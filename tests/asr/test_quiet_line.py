"""Digital silence becomes faint noise, and nothing else changes."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.quiet_line import _NOISE, SILENT, SPREAD, with_faint_noise

pytestmark = pytest.mark.unit

LOUDEST = max(map(abs, _NOISE))


def samples(pcm: bytes) -> list[int]:
    return list(array("h", pcm))


def test_silence_is_filled_with_faint_noise() -> None:
    filled = samples(with_faint_noise(bytes(1600)))
    assert 0 < max(map(abs, filled)) <= LOUDEST
    assert len(filled) == 800
    assert LOUDEST < 5 * SPREAD
    assert len({tuple(filled[start : start + 80]) for start in range(0, 800, 80)}) == 10


@given(st.lists(st.integers(-32768, 32767) | st.integers(-SILENT, SILENT), max_size=600), st.integers(0, 300))
def test_only_silence_changes(values: list[int], silence: int) -> None:
    before = [*values, *[0] * silence, *values]
    after = samples(with_faint_noise(array("h", before).tobytes()))
    assert len(after) == len(before)
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert all(abs(old) <= SILENT and abs(new) <= LOUDEST for old, new in changed)


def test_a_stream_in_pieces_is_the_same_as_whole() -> None:
    whole = with_faint_noise(bytes(3200), 5)
    assert with_faint_noise(bytes(1600), 5) + with_faint_noise(bytes(1600), 805) == whole


def test_half_a_sample_and_nothing() -> None:
    assert with_faint_noise(b"") == b""
    assert with_faint_noise(b"\x11\x22\x33") == b"\x11\x22\x33"
