"""Have sentences spoken by synthetic speakers, in shards: each is one folder, and one that is complete is kept.

python -m asr.training.synthesise NAME [--shards N]
"""

import argparse
import hashlib
import time
from collections.abc import Iterator, Sequence

import numpy as np
import soxr

from asr.language.text import in_characters
from asr.training.features import SAMPLE_RATE
from asr.training.kokoro import RATE, Kokoro
from asr.training.places import RECORDINGS, TEXT, VOICES
from asr.training.recordings import Clip, Samples, is_complete, write_recordings
from asr.training.speakers import draw_speaker, speaker_name

SHARD_SENTENCES = 40
SPEEDS = (0.8, 1.3)
PEAK = 20000


def synthesise(name: str, sentences: Sequence[str], kokoro: Kokoro) -> None:
    """Speak `sentences` into the shards synthetic-NAME-0000, -0001, …"""
    count = -(-len(sentences) // SHARD_SENTENCES)
    for number in range(count):
        folder = RECORDINGS / f"synthetic-{name}-{number:04d}"
        if is_complete(folder):
            continue
        began = time.monotonic()
        part = sentences[number * SHARD_SENTENCES : (number + 1) * SHARD_SENTENCES]
        write_recordings(folder, SAMPLE_RATE, _speak(part, kokoro, np.random.default_rng(_seed(folder.name))))
        print(f"{folder.name} of {count} in {time.monotonic() - began:.0f} s", flush=True)


def _speak(sentences: Sequence[str], kokoro: Kokoro, rng: np.random.Generator) -> Iterator[tuple[Clip, Samples]]:
    for sentence in sentences:
        mixture = draw_speaker(rng)
        characters = in_characters(sentence)
        samples = kokoro.speak(characters, kokoro.voice(mixture), float(rng.uniform(*SPEEDS)))
        yield Clip(characters, speaker_name(mixture), "Kokoro"), at_rate(samples, SAMPLE_RATE)


def at_rate(samples: np.ndarray, rate: int) -> Samples:
    """Kokoro's samples as 16-bit integers at `rate` hertz, at a usual level."""
    resampled = soxr.resample(samples, RATE, rate)
    return np.asarray(resampled / (np.abs(resampled).max() + 1e-6) * PEAK, np.int16)


def _seed(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--shards", type=int)
    options = parser.parse_args()
    sentences = (TEXT / f"speak-{options.name}.txt").read_text(encoding="utf-8").split()
    if options.shards:
        sentences = sentences[: options.shards * SHARD_SENTENCES]
    synthesise(options.name, sentences, Kokoro(VOICES))


if __name__ == "__main__":
    main()
