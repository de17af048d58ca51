"""Spoken sentences on disk: one array of samples and one table per folder, readable in any order."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Clip:
    """One spoken sentence: what is said, by whom, and where its samples lie in the folder's array."""

    text: str
    speaker: str
    corpus: str
    start: int = 0
    length: int = 0


class Recordings:
    """The recordings of one folder: `clips` in order, and `samples(clip)` at `rate` hertz, one channel."""

    def __init__(self, folder: Path) -> None:
        table = json.loads((folder / "clips.json").read_text(encoding="utf-8"))
        self.rate: int = table["rate"]
        self.clips = [Clip(**row) for row in table["clips"]]
        self._samples = np.load(folder / "samples.npy", mmap_mode="r")

    def samples(self, clip: Clip) -> Samples:
        return np.asarray(self._samples[clip.start : clip.start + clip.length], np.int16)

    def __iter__(self) -> Iterator[tuple[Clip, Samples]]:
        return ((clip, self.samples(clip)) for clip in self.clips)


def write_recordings(folder: Path, rate: int, spoken: Iterable[tuple[Clip, Samples]]) -> int:
    """Write clips with their samples (`rate` hertz) to `folder` and return how many; the table, written last, makes
    the folder valid."""
    folder.mkdir(parents=True, exist_ok=True)
    clips: list[Clip] = []
    pieces: list[Samples] = []
    start = 0
    for clip, samples in spoken:
        clips.append(Clip(clip.text, clip.speaker, clip.corpus, start, len(samples)))
        pieces.append(np.asarray(samples, np.int16))
        start += len(samples)
    np.save(folder / "samples.npy", np.concatenate(pieces) if pieces else np.zeros(0, np.int16))
    draft = folder / "clips.json.new"
    table = {"rate": rate, "clips": [asdict(clip) for clip in clips]}
    draft.write_text(json.dumps(table, ensure_ascii=False), encoding="utf-8")
    draft.rename(folder / "clips.json")
    return len(clips)


def is_complete(folder: Path) -> bool:
    """Whether `write_recordings()` has finished in `folder`."""
    return (folder / "clips.json").is_file()
