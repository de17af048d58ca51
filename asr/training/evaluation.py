"""The figures of a finished model, through the real recogniser and on the network alone."""

import json
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.language.text import in_characters
from asr.training.places import PROJECT, RECORDINGS
from asr.training.real_speech import held_back_speakers
from asr.training.recogniser import Task
from asr.training.recordings import Recordings, is_complete
from asr.training.scoring import edit_distance

CHOICES = 200  # sentences to choose from by a run-time grammar
SEED = 2026


@dataclass(frozen=True)
class Figure:
    """What one task came to.

    `character_error` and `sentence_accuracy` are shares; `speed` is processor seconds a second of sound; `pairs` are
    what was said and what was heard.
    """

    sentences: int
    character_error: float
    sentence_accuracy: float
    speed: float
    load_seconds: float
    pairs: list[list[str]]
    choice_accuracy: float | None = None


def figure_of(answer: dict[str, Any], grammar: Sequence[str] = ()) -> Figure:
    pairs = answer["pairs"]
    edits = sum(edit_distance(in_characters(heard), in_characters(said)) for said, heard in pairs)
    right = sum(in_characters(heard) == in_characters(said) for said, heard in pairs)
    return Figure(
        len(pairs), edits / max(1, sum(len(in_characters(said)) for said, _ in pairs)), right / max(1, len(pairs)),
        answer["speed"], answer["load_seconds"], pairs, _choice_accuracy(pairs, grammar) if grammar else None,
    )  # fmt: skip


def _choice_accuracy(pairs: Sequence[Sequence[str]], grammar: Sequence[str]) -> float:
    """For how many the sentence of `grammar` that is nearest to what was heard is the one that was said.

    Vosk makes a bigram model of a grammar: its sentences become likely, but mixtures of them stay possible.
    """
    nearest = (min(grammar, key=lambda sentence: edit_distance(heard, sentence)) for _, heard in pairs)
    return sum(chosen == said for chosen, (said, _) in zip(nearest, pairs, strict=True)) / max(1, len(pairs))


def measure(model: Path, task: Task) -> Figure:
    """Run one task in a process of its own. Raises CalledProcessError when the recogniser fails."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        file.write(task.written())
        file.flush()
        command = [sys.executable, "-m", "asr.training.recogniser", str(model), file.name]
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=PROJECT)
    return figure_of(json.loads(done.stdout), task.grammar)


def synthetic_tasks(limit: int | None = None) -> dict[str, Task]:
    """The test sentences by voices that were never trained on: as clean as can be, and over a bad line."""
    recordings = str(RECORDINGS / "test")
    return {
        "test voices, clean, 16 kHz": Task(recordings, 16000, limit=limit),
        "test voices, A-law, 8 kHz, 15 dB noise": Task(recordings, 8000, "a-law", 15.0, limit=limit),
    }


def choice_tasks() -> dict[str, Task]:
    """Choosing among sentences by a run-time grammar: real speakers who were held back, and the test voices."""
    tasks = {}
    if is_complete(RECORDINGS / "real"):
        tasks["real speakers, one of 200 sentences"] = _real_choice()
    sentences = tuple(clip.text for clip in Recordings(RECORDINGS / "test").clips)
    tasks["test voices, one of the test sentences, A-law, 15 dB"] = Task(
        str(RECORDINGS / "test"), 8000, "a-law", 15.0, grammar=sentences
    )
    return tasks


def _real_choice() -> Task:
    """CHOICES different sentences of speakers held back, of at least four characters, in Chinese alone."""
    recordings = Recordings(RECORDINGS / "real")
    speakers = held_back_speakers(recordings.clips)
    suitable = [clip.text for clip in recordings.clips if clip.speaker in speakers and _is_suitable(clip.text)]
    texts = sorted(set(suitable))
    random.Random(SEED).shuffle(texts)  # noqa: S311
    return Task(str(RECORDINGS / "real"), 8000, grammar=tuple(texts[:CHOICES]), speakers=tuple(sorted(speakers)))


def _is_suitable(text: str) -> bool:
    return bool(re.fullmatch("[一-鿿]{4,40}", text))


def measure_all(model: Path, tasks: dict[str, Task]) -> dict[str, Figure]:
    """All tasks, each reported as it ends."""
    figures = {}
    for name, task in tasks.items():
        figures[name] = figure = measure(model, task)
        print(
            f"{name}: {figure.sentences} sentences, CER {figure.character_error:.1%}, "
            f"{figure.sentence_accuracy:.1%} right, {_percent(figure.choice_accuracy)} chosen right, "
            f"speed {figure.speed:.3f}",
            flush=True,
        )
    return figures


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def examples(figure: Figure, count: int) -> Sequence[list[str]]:
    """The first pairs that differ."""
    return [pair for pair in figure.pairs if pair[0] != pair[1]][:count]


def main() -> None:
    model = Path(sys.argv[1])
    figures = measure_all(model, synthetic_tasks(int(sys.argv[2]) if len(sys.argv) > 2 else None) | choice_tasks())
    for name, figure in figures.items():
        print(name)
        for said, heard in examples(figure, 12):
            print(f"  {said} | {heard}")


if __name__ == "__main__":
    main()
