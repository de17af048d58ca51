"""Measure a model through the real Vosk recogniser, in a process of its own: kaldifst and vosk cannot share one.

python -m asr.training.recogniser MODEL TASK

TASK is a JSON file with the fields of `Task`; the answer goes to standard output as JSON.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from asr.language.segment import fewest_words
from asr.language.text import spoken_form
from asr.training.features import SAMPLE_RATE
from asr.training.recordings import Clip, Recordings, Samples
from asr.training.rooms_and_lines import a_law, add_noise, mu_law

CHUNK_SECONDS = 0.1
SILENCE_BEFORE, SILENCE_AFTER = 0.2, 0.6


@dataclass(frozen=True)
class Task:
    """What to recognise: recordings of `speakers` (all when empty), at most `limit`, at `rate` hertz through `line`
    (a-law, mu-law or none) with noise `decibels` below the speech; choosing among the sentences of `grammar` if any."""

    recordings: str
    rate: int
    line: str = ""
    decibels: float | None = None
    grammar: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()
    limit: int | None = None

    def written(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)


def recognise(model_folder: Path, task: Task) -> dict[str, Any]:
    """{"pairs": [[said, heard], …], "speed": processor seconds a second of sound, "load_seconds"}."""
    import vosk  # here, not above: who makes tasks may have loaded kaldifst, and then vosk would hang

    vosk.SetLogLevel(-1)
    began = time.process_time()
    model = vosk.Model(str(model_folder))
    loaded = time.process_time()
    grammar = _grammar(model_folder, task.grammar)
    pairs, seconds = [], 0.0
    began_decoding = time.process_time()
    for text, samples in _sounds(task):
        pairs.append([text, _heard(model, task.rate, samples, grammar)])
        seconds += len(samples) / task.rate
    speed = (time.process_time() - began_decoding) / max(seconds, 1e-9)
    return {"pairs": pairs, "speed": speed, "seconds": seconds, "load_seconds": loaded - began}


def _grammar(folder: Path, sentences: tuple[str, ...]) -> str | None:
    """Vosk's form of a run-time grammar."""
    if not sentences:
        return None
    lines = (folder / "graph" / "words.txt").read_text(encoding="utf-8").splitlines()
    words = {line.split()[0] for line in lines}
    divided = [fewest_words(sentence, words) for sentence in sentences]
    return json.dumps([" ".join(one) for one in divided if one], ensure_ascii=False)


def _sounds(task: Task) -> list[tuple[str, Samples]]:
    recordings = Recordings(Path(task.recordings))
    chosen = [clip for clip in recordings.clips if _is_wanted(clip, task)][: task.limit]
    return [
        (clip.text, _on_the_line(recordings.samples(clip), recordings.rate, task, seed))
        for seed, clip in enumerate(chosen)
    ]


def _is_wanted(clip: Clip, task: Task) -> bool:
    """A grammar is measured on its own sentences."""
    return (not task.speakers or clip.speaker in task.speakers) and (not task.grammar or clip.text in task.grammar)


def _on_the_line(samples: Samples, rate: int, task: Task, seed: int) -> Samples:
    speech = samples.astype(np.float32)
    speech = soxr.resample(speech, rate, task.rate) if rate != task.rate else speech
    padding = [np.zeros(int(task.rate * seconds), np.float32) for seconds in (SILENCE_BEFORE, SILENCE_AFTER)]
    speech = np.concatenate([padding[0], speech, padding[1]])
    if task.decibels is not None:
        speech = add_noise(speech, task.decibels, np.random.default_rng(seed))
    if task.line:
        assert task.rate == SAMPLE_RATE
        speech = {"a-law": a_law, "mu-law": mu_law}[task.line](speech)
    return np.clip(np.round(speech), -32768, 32767).astype(np.int16)


def _heard(model: Any, rate: int, samples: Samples, grammar: str | None) -> str:
    import vosk

    recogniser = vosk.KaldiRecognizer(model, rate, grammar) if grammar else vosk.KaldiRecognizer(model, rate)
    chunk = int(rate * CHUNK_SECONDS)
    texts = []
    for start in range(0, len(samples), chunk):
        if recogniser.AcceptWaveform(samples[start : start + chunk].tobytes()):
            texts.append(json.loads(recogniser.Result())["text"])
    texts.append(json.loads(recogniser.FinalResult())["text"])
    return spoken_form("".join(texts).replace("[unk]", ""))


def main() -> None:
    fields = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    fields["grammar"], fields["speakers"] = tuple(fields["grammar"]), tuple(fields["speakers"])
    json.dump(recognise(Path(sys.argv[1]), Task(**fields)), sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()
