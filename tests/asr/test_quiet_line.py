"""Digital silence becomes faint noise, and nothing else changes."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.quiet_line import LOUDEST, with_faint_noise

pytestmark = pytest.mark.unit


def samples(pcm: bytes) -> list[int]:
    return list(array("h", pcm))


def test_silence_is_filled_with_faint_noise() -> None:
    filled = samples(with_faint_noise(bytes(1600)))
    assert 0 < max(map(abs, filled)) <= LOUDEST
    assert len(filled) == 800
    assert len({tuple(filled[start : start + 80]) for start in range(0, 800, 80)}) == 10


@given(st.lists(st.one_of(st.integers(-32768, 32767), st.just(0)), max_size=600), st.integers(0, 300))
def test_only_zeros_change(values: list[int], silence: int) -> None:
    before = [*values, *[0] * silence, *values]
    after = samples(with_faint_noise(array("h", before).tobytes()))
    assert len(after) == len(before)
    assert all(new == old or (old == 0 and abs(new) <= LOUDEST) for new, old in zip(after, before, strict=True))
