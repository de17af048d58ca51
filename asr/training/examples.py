"""Training examples: log mel energies with the phones that are spoken, in arrays on disk."""

import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.language.phones import phone_ids
from asr.language.readings import read
from asr.training.features import MEL_BINS, Floats, log_mel
from asr.training.recordings import Clip, Recordings, Samples
from asr.training.rooms_and_lines import vary

SUBSAMPLING = 3  # the network answers once in so many frames


@dataclass(frozen=True)
class Example:
    """One sentence: where its frames lie, its labels (phone numbers from 0, where 0 is silence), its speaker."""

    start: int
    frames: int
    labels: tuple[int, ...]
    speaker: str


class ExampleSet:
    """The examples of one folder."""

    def __init__(self, folder: Path) -> None:
        table = json.loads((folder / "examples.json").read_text(encoding="utf-8"))
        self.name = folder.name
        self.examples = [Example(start, frames, tuple(labels), speaker) for start, frames, labels, speaker in table]
        self._log_mel = np.load(folder / "log_mel.npy", mmap_mode="r")

    def log_mel(self, example: Example) -> Floats:
        """Log mel energies [frames, MEL_BINS] of an example."""
        return np.asarray(self._log_mel[example.start : example.start + example.frames], np.float32)


def labels_of(text: str) -> tuple[int, ...] | None:
    """What the network should say for `text`: phone numbers from 0. None when the text is not all Chinese."""
    if not text:
        return ()
    phones = read(text)
    return tuple(number - 1 for number in phone_ids(phones)) if phones else None


def write_examples(
    recordings: Recordings, folder: Path, copy: int, accepts: Callable[[Clip], bool] = lambda _: True
) -> None:
    """Turn `recordings` into examples in `folder`: as they are for `copy` 0, else one variation for each number."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, pieces, start = [], [], 0
    for number, clip in enumerate(recordings.clips):
        labels = labels_of(clip.text) if accepts(clip) else None
        if labels is None:
            continue
        frames = _features(recordings.samples(clip), copy, seed=(_seed(folder.name), number))
        if not _fits(len(frames), labels):
            continue
        rows.append((start, len(frames), labels, clip.speaker))
        pieces.append(frames.astype(np.float16))
        start += len(frames)
    np.save(folder / "log_mel.npy", np.concatenate(pieces) if pieces else np.zeros((0, MEL_BINS), np.float16))
    draft = folder / "examples.json.new"
    draft.write_text(json.dumps(rows), encoding="utf-8")
    draft.rename(folder / "examples.json")


def _features(samples: Samples, copy: int, seed: Sequence[int]) -> Floats:
    speech = samples.astype(np.float32)
    if copy:
        speech = np.round(np.clip(vary(speech, np.random.default_rng(seed)), -32768, 32767)).astype(np.float32)
    return log_mel(speech)


def _fits(frames: int, labels: Sequence[int]) -> bool:
    """Whether CTC can put the labels on the frames: one frame each, and a blank between equal ones."""
    repeats = sum(a == b for a, b in itertools.pairwise(labels))
    return (frames + SUBSAMPLING - 1) // SUBSAMPLING >= len(labels) + repeats + 1


def _seed(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")


def is_complete(folder: Path) -> bool:
    """Whether `write_examples()` has finished in `folder`."""
    return (folder / "examples.json").is_file()


def speakers_in(sets: Iterable[ExampleSet]) -> set[str]:
    return {example.speaker for part in sets for example in part.examples}
