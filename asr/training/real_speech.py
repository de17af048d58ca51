"""Real people's speech, from a folder that TELLER_SPEECH_DATA names; its format is in docs/asr-model.md."""

import csv
import hashlib
import io
import re
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr

from asr.training.features import SAMPLE_RATE
from asr.training.recordings import Clip, Samples

HELD_BACK_COMMON_VOICE = 14
HELD_BACK_AISHELL = 6
# A speaker who is held back should say enough to be measured, and not so much that training misses it.
HELD_BACK_CLIPS = range(10, 46)

_PUNCTUATION = re.compile(r"[\s，。！？、；：“”‘’（）《》〈〉「」『』【】〔〕—…·,.!?;:\"'()\[\]~～-]+")


def read_clips(folder: Path) -> Iterator[tuple[Clip, Samples]]:
    """Every clip of `folder` at 8 kHz, in the order of its tar files. Raises OSError where there is none."""
    rows = _manifest(folder)
    for archive in sorted(folder.glob("*.tar")):
        with tarfile.open(archive) as tar:
            for member in tar:
                file = tar.extractfile(member)
                row = rows.get(member.name)
                if file is None or row is None:
                    continue
                clip = Clip(spoken_text(row["transcript"]), row["speaker"], row["corpus"])
                yield clip, _at_8_khz(file.read())


def _manifest(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "manifest.tsv").open(encoding="utf-8", newline="") as table:
        return {row["path"]: row for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)}


def _at_8_khz(encoded: bytes) -> Samples:
    samples, rate = soundfile.read(io.BytesIO(encoded), dtype="int16")
    return np.asarray(soxr.resample(samples, rate, SAMPLE_RATE), np.int16)


def spoken_text(transcript: str) -> str:
    """A transcript without what is not spoken."""
    return _PUNCTUATION.sub("", transcript)


def held_back_speakers(clips: Iterable[Clip]) -> set[str]:
    """The speakers kept for validation: for the same data the same ones, chosen by a hash of their name."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for clip in clips:
        counts[_family(clip.corpus), clip.speaker] += 1
    common_voice = [speaker for (family, speaker), count in counts.items()
                    if family == "common voice" and count in HELD_BACK_CLIPS]  # fmt: skip
    aishell = [speaker for family, speaker in counts if family == "aishell-3"]
    return {
        *sorted(common_voice, key=_hash)[:HELD_BACK_COMMON_VOICE],
        *sorted(aishell, key=_hash)[:HELD_BACK_AISHELL],
    }


def _family(corpus: str) -> str:
    return "common voice" if "Common Voice" in corpus else corpus.lower()


def _hash(speaker: str) -> str:
    return hashlib.sha256(speaker.encode()).hexdigest()
