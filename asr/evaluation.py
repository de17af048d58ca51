"""How well a recogniser hears: character errors, speed, calibration of its confidence, its worst sentences."""

import csv
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jiwer

from asr.audio import Audio
from asr.engine import Transcript
from asr.normalisation import normalised
from core.problems import InvalidInput

BINS = 10
WORST = 20
LENGTHS = (2.0, 4.0, 8.0, 16.0)  # seconds; where the manifest has no column of its own for length

Fields = dict[str, Any]


@dataclass(frozen=True)
class Recording:
    """A row of a speech manifest: where the sound is, what is said, and any further columns."""

    path: Path
    transcript: str
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Errors:
    """Edits from what was said to what was heard, in characters."""

    characters: int
    substitutions: int
    deletions: int
    insertions: int

    @property
    def edits(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float | None:
        return self.edits / self.characters if self.characters else None


@dataclass(frozen=True)
class Outcome:
    recording: Recording
    heard: Transcript
    errors: Errors
    seconds: float  # of sound
    spent: float  # seconds to hear it

    def as_row(self) -> Fields:
        return {
            "path": str(self.recording.path), "said": self.recording.transcript, "heard": self.heard.text,
            "errors": self.errors.edits, "cer": self.errors.rate, "confidence": round(self.heard.confidence, 4),
            **self.recording.columns,
        }  # fmt: skip


def read_manifest(path: Path) -> list[Recording]:
    """The rows of a TSV file: path and transcript, without a heading or with one that names further columns.

    Paths count from the manifest's folder. Raises InvalidInput naming the line that is wrong.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if any(row)]
    heading = rows.pop(0) if rows and rows[0][0].strip().lower() == "path" else ["path", "transcript"]
    heading = [name.strip().lower() for name in heading]
    if "transcript" not in heading:
        raise InvalidInput(f"{path.name}: the heading names no column transcript")
    if not rows:
        raise InvalidInput(f"{path.name}: no recordings in it")
    return [_recording(path, number, dict(zip(heading, row, strict=False))) for number, row in enumerate(rows, start=1)]


def _recording(manifest: Path, number: int, row: Mapping[str, str]) -> Recording:
    if "transcript" not in row:
        raise InvalidInput(f"{manifest.name}: recording {number} has no transcript; a row is path<TAB>transcript")
    file = manifest.parent / row["path"]
    if not file.is_file():
        raise InvalidInput(f"{manifest.name}: recording {number} is not there: {row['path']}")
    return Recording(file, row["transcript"], {k: v for k, v in row.items() if k not in ("path", "transcript")})


def count_errors(said: str, heard: str, drop_fillers: bool = True) -> Errors:
    """Substitutions, deletions and insertions between two texts after normalisation."""
    reference, hypothesis = normalised(said, drop_fillers), normalised(heard, drop_fillers)
    if not reference:
        return Errors(0, 0, 0, len(hypothesis))
    aligned = jiwer.process_characters(reference, hypothesis)
    return Errors(len(reference), aligned.substitutions, aligned.deletions, aligned.insertions)


def hear_all(
    recordings: Iterable[Recording],
    read: Callable[[Path], Audio],
    hear: Callable[[Audio], Transcript],
    drop_fillers: bool,
) -> Iterator[Outcome]:
    for recording in recordings:
        audio = read(recording.path)
        began = time.perf_counter()
        heard = hear(audio)
        spent = time.perf_counter() - began
        errors = count_errors(recording.transcript, heard.text, drop_fillers)
        yield Outcome(recording, heard, errors, audio.seconds, spent)


def figures(outcomes: Sequence[Outcome]) -> Fields:
    """All figures over `outcomes`; what cannot be computed is None."""
    total = _total(outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    return {
        "n": len(outcomes),
        **total,
        "real_time_factor": round(sum(outcome.spent for outcome in outcomes) / seconds, 4) if seconds else None,
        "seconds": round(seconds, 1),
        "sentences_right": sum(outcome.errors.edits == 0 for outcome in outcomes),
        "model": outcomes[0].heard.model if outcomes else "",
        "calibration": calibration(outcomes),
        "by": {column: _by(outcomes, column) for column in _columns(outcomes)},
        "worst": [outcome.as_row() for outcome in worst(outcomes)],
    }


def worst(outcomes: Sequence[Outcome]) -> list[Outcome]:
    wrong = [outcome for outcome in outcomes if outcome.errors.edits]
    return sorted(wrong, key=lambda outcome: (-(outcome.errors.rate or 1.0), -outcome.errors.edits))[:WORST]


def calibration(outcomes: Sequence[Outcome]) -> Fields:
    """Whether confidence tells the truth: by bins of it, the share of characters and of sentences that are right.

    `error` is the expected calibration error: the mean distance between confidence and characters right.
    """
    bins: dict[int, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        bins[min(BINS - 1, int(outcome.heard.confidence * BINS))].append(outcome)
    rows = [_bin(number, bins[number]) for number in sorted(bins)]
    distance = sum(row["n"] * abs(row["confidence"] - row["characters_right"]) for row in rows)
    return {"error": round(distance / len(outcomes), 4) if outcomes else None, "bins": rows}


def _bin(number: int, outcomes: Sequence[Outcome]) -> Fields:
    count = len(outcomes)
    return {
        "from": number / BINS,
        "to": (number + 1) / BINS,
        "n": count,
        "confidence": round(sum(outcome.heard.confidence for outcome in outcomes) / count, 4),
        "characters_right": round(sum(max(0.0, 1 - _rate(outcome)) for outcome in outcomes) / count, 4),
        "sentences_right": round(sum(outcome.errors.edits == 0 for outcome in outcomes) / count, 4),
    }


def _rate(outcome: Outcome) -> float:
    rate = outcome.errors.rate
    return rate if rate is not None else float(outcome.errors.edits > 0)


def _total(outcomes: Sequence[Outcome]) -> Fields:
    summed = Errors(
        sum(outcome.errors.characters for outcome in outcomes),
        sum(outcome.errors.substitutions for outcome in outcomes),
        sum(outcome.errors.deletions for outcome in outcomes),
        sum(outcome.errors.insertions for outcome in outcomes),
    )
    return {
        "characters": summed.characters,
        "cer": round(summed.rate, 4) if summed.rate is not None else None,
        "substitutions": summed.substitutions,
        "deletions": summed.deletions,
        "insertions": summed.insertions,
    }


def _columns(outcomes: Sequence[Outcome]) -> list[str]:
    names = list(dict.fromkeys(name for outcome in outcomes for name in outcome.recording.columns))
    return names if "length" in names else [*names, "length"]


def _by(outcomes: Sequence[Outcome], column: str) -> Fields:
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        groups[outcome.recording.columns.get(column) or _length(outcome, column)].append(outcome)
    return {name: {"n": len(groups[name]), **_total(groups[name])} for name in sorted(groups)}


def _length(outcome: Outcome, column: str) -> str:
    if column != "length":
        return "–"
    edges = [0.0, *LENGTHS]
    low = max(edge for edge in edges if outcome.seconds >= edge)
    above = [edge for edge in LENGTHS if edge > low]
    return f"{low:02.0f}–{above[0]:02.0f} s" if above else f"{low:02.0f} s and more"


def write_errors(outcomes: Sequence[Outcome], path: Path) -> None:
    """Every sentence with an error, as JSON lines."""
    rows = [json.dumps(outcome.as_row(), ensure_ascii=False) for outcome in outcomes if outcome.errors.edits]
    path.write_text("".join(row + "\n" for row in rows), encoding="utf-8")
