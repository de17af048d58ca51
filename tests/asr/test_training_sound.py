"""Features, lines and distortion: small sounds with known properties."""

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from asr.training.distortion import Distorter
from asr.training.examples import ExampleSet, write_examples
from asr.training.features import MEL_BINS, log_mel, mel_centres, mfcc_from_log_mel
from asr.training.no_speech import KINDS, no_speech
from asr.training.recordings import Clip, Recordings, is_complete, write_recordings
from asr.training.rooms_and_lines import (
    a_law,
    add_noise,
    change_speed,
    mu_law,
    reverberate,
    speech_power,
    telephone_band,
)
from asr.training.scoring import edit_distance, greedy

pytestmark = pytest.mark.unit


def tone(hertz: float, seconds: float = 1.0, amplitude: float = 5000) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(int(8000 * seconds)) / 8000)).astype(np.float32)


def level(samples: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(samples**2)) + 1e-9))


def test_a_tone_is_loudest_in_its_mel_bin() -> None:
    energies = log_mel(tone(1000)).mean(axis=0)
    assert abs(mel_centres()[energies.argmax()] - 1000) < 100


def test_only_whole_frames_count() -> None:
    assert log_mel(tone(500)).shape == (98, MEL_BINS)
    assert log_mel(np.zeros(150, np.float32)).shape == (0, MEL_BINS)


def test_mfccs_are_another_form_of_log_mel_energies() -> None:
    matrix = mfcc_from_log_mel()
    np.testing.assert_allclose(np.linalg.inv(matrix) @ matrix, np.eye(MEL_BINS), atol=1e-9)
    # The first coefficient is the sum over the bins, by the square root of their number.
    assert matrix[0] == pytest.approx(np.full(MEL_BINS, MEL_BINS**-0.5))


@pytest.mark.parametrize("codec", [a_law, mu_law])
def test_codecs_keep_the_sound_and_add_little(codec: type) -> None:
    sound = tone(440)
    assert level(codec(sound) - sound) < level(sound) - 30


def test_the_telephone_band_drops_what_a_line_does_not_carry() -> None:
    assert level(telephone_band(tone(1000))) > level(tone(1000)) - 1
    assert level(telephone_band(tone(100))) < level(tone(100)) - 20


def test_noise_is_added_at_its_level() -> None:
    sound = tone(440)
    noisy = add_noise(sound, 15, np.random.default_rng(1))
    assert level(sound) - level(noisy - sound) == pytest.approx(15, abs=0.3)


def test_pauses_do_not_count_for_the_level() -> None:
    sound = np.concatenate([tone(440), np.zeros(8000, np.float32)])
    assert speech_power(sound) == pytest.approx(speech_power(tone(440)), rel=0.05)


def test_faster_is_shorter_and_rooms_keep_the_length() -> None:
    assert len(change_speed(tone(440), 1.25)) == pytest.approx(6400, abs=5)
    assert len(reverberate(tone(440), 0.3, 0.1, np.random.default_rng(1))) == 8000


def test_distortion_keeps_form_and_repeats_with_the_seed() -> None:
    sentence = log_mel(tone(440))
    once, again = (Distorter(np.random.default_rng(7)).distort(sentence, [sentence]) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert once.shape[1] == MEL_BINS
    assert len(sentence) <= len(once) <= len(sentence) + 60
    assert np.isfinite(once).all()


def test_recordings_become_examples(tmp_path: Path) -> None:
    spoken = [
        (Clip("你好", "a", "test"), tone(300, 1.0).astype(np.int16)),
        (Clip("OK", "b", "test"), tone(300).astype(np.int16)),
    ]
    assert write_recordings(tmp_path / "spoken", 8000, spoken) == 2
    assert is_complete(tmp_path / "spoken")
    recordings = Recordings(tmp_path / "spoken")
    np.testing.assert_array_equal(recordings.samples(recordings.clips[0]), spoken[0][1])
    write_examples(recordings, tmp_path / "examples", copy=1)
    examples = ExampleSet(tmp_path / "examples")
    assert [len(example.labels) for example in examples.examples] == [4]  # what is not Chinese is left out
    assert examples.log_mel(examples.examples[0]).shape == (examples.examples[0].frames, MEL_BINS)


def test_ctc_output_is_read_greedily() -> None:
    assert greedy([0, 3, 3, 0, 3, 5, 5, 0]) == [3, 3, 5]


@pytest.mark.parametrize(
    ("heard", "said", "edits"), [("abc", "abc", 0), ("", "ab", 2), ("axc", "abc", 1), ("bc", "abc", 1)]
)
def test_edit_distance(heard: str, said: str, edits: int) -> None:
    assert edit_distance(heard, said) == edits


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_speech_sounds_and_can_be_made_again(kind: Callable[..., np.ndarray]) -> None:
    sound = kind(2.0, np.random.default_rng(4))
    assert len(sound) == 16000
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() > 0
    np.testing.assert_array_equal(sound, kind(2.0, np.random.default_rng(4)))


def test_what_is_no_speech_has_nothing_to_say(tmp_path: Path) -> None:
    write_recordings(tmp_path / "recordings", 8000, itertools.islice(no_speech(), 8))
    write_examples(Recordings(tmp_path / "recordings"), tmp_path / "examples", 1)
    assert [example.labels for example in ExampleSet(tmp_path / "examples").examples] == [()] * 8
