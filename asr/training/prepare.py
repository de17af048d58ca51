"""Decode speech and compute its features, folder by folder; what is there already is kept.

python -m asr.training.prepare real|synthetic|no-speech
"""

import sys
from pathlib import Path

from asr.training.examples import is_complete as examples_complete
from asr.training.examples import write_examples
from asr.training.features import SAMPLE_RATE
from asr.training.no_speech import no_speech
from asr.training.places import EXAMPLES, RECORDINGS, speech_data
from asr.training.real_speech import held_back_speakers, read_clips
from asr.training.recordings import Recordings, is_complete, write_recordings

REAL_COPIES = 5
SYNTHETIC_COPIES = 3


def prepare_real() -> None:
    """Decode the real speech and make its examples: a set as spoken, varied ones, and one of speakers held back."""
    source = speech_data()
    if source is None:
        print("TELLER_SPEECH_DATA is not set: training on synthetic speech alone")
        return
    folder = RECORDINGS / "real"
    if not is_complete(folder):
        print(f"decoding {source}", flush=True)
        print(f"{write_recordings(folder, SAMPLE_RATE, read_clips(source))} clips", flush=True)
    recordings = Recordings(folder)
    held_back = held_back_speakers(recordings.clips)
    if not examples_complete(EXAMPLES / "held-back"):
        write_examples(recordings, EXAMPLES / "held-back", 0, lambda clip: clip.speaker in held_back)
    for copy in range(REAL_COPIES):
        target = EXAMPLES / f"real-{copy}"
        if not examples_complete(target):
            print(f"features of the real speech, copy {copy}", flush=True)
            write_examples(recordings, target, copy, lambda clip: clip.speaker not in held_back)


def prepare_synthetic() -> None:
    """Make the examples of every folder of synthetic speech that is complete."""
    for folder in sorted(RECORDINGS.glob("synthetic-*")):
        if is_complete(folder):
            _prepare_folder(folder)


def prepare_no_speech() -> None:
    """Make sounds that are no speech, and their examples, whose labels are empty."""
    folder = RECORDINGS / "no-speech"
    if not is_complete(folder):
        write_recordings(folder, SAMPLE_RATE, no_speech())
    _prepare_folder(folder)


def _prepare_folder(folder: Path) -> None:
    for copy in range(SYNTHETIC_COPIES):
        target = EXAMPLES / f"{folder.name}-{copy}"
        if not examples_complete(target):
            write_examples(Recordings(folder), target, copy)


if __name__ == "__main__":
    {"real": prepare_real, "synthetic": prepare_synthetic, "no-speech": prepare_no_speech}[sys.argv[1]]()
