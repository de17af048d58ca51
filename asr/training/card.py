"""The model card: what the model is made of, what was measured and how, and what must not be expected of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.training.evaluation import Figure, examples
from asr.training.places import MODEL_NAME
from asr.training.train import STEPS


@dataclass(frozen=True)
class Origin:
    """What the network has been trained on."""

    parameters: int
    steps: int
    sentences: int
    network_context_seconds: Sequence[float]
    real_hours: float
    real_speakers: int
    synthetic_hours: float
    synthetic_speakers: int


CARD = """# {name}

A small Mandarin recogniser for banking on the telephone, in Vosk's format (Kaldi nnet3, look-ahead graph), made with
`make asr-model` from PyTorch. It streams, finds the ends of utterances, and takes run-time grammars. How it is made:
`docs/asr-model.md`.

| | |
|---|---|
| network | factorised time-delay layers, CTC over {phones} toneless initials and finals |
| | {parameters:.1f} million parameters; one answer in 30 ms; sees {before:.2f} s back and {after:.2f} s ahead |
| input | 8 kHz (a 16 kHz recogniser works too: Kaldi resamples) |
| training | {steps:,} steps, {sentences:,} sentences with repetition |
| real speech | {real_hours:.1f} h of {real_speakers} speakers |
| synthetic speech | {synthetic_hours:.1f} h of {synthetic_speakers} mixtures of Kokoro's voices |
| size | {size:.1f} MB |

## Measured

Through `vosk.KaldiRecognizer`, in chunks of 0.1 s, character errors after removing spaces. The test sentences are
written by hand for testing alone; they are in no training text and no language-model text, but their author also wrote
the grammars that generate training text, so expect more errors on a bank's own customers. The test voices
(`zf_xiaoxiao`, `zm_yunyang`) and mixtures with them were never trained on. Speed is processor seconds a second of
sound, on the machine that made the model, which was busy with other things. A run-time grammar of Vosk is a bigram
model of its sentences, so mixtures of them can be heard; "chosen right" counts the sentence of the grammar that is
nearest to what was heard.

| task | sentences | character errors | sentences right | chosen right | speed |
|---|---|---|---|---|---|
{rows}

{real}

Every sentence with what was heard is in `figures.json`. Some that went wrong (said | heard):

{wrong}

## Limits

{state}- The figures on synthetic voices say little about people: synthetic speech is clearer and more alike.
- Real speech in training is read, mostly by men, mostly encyclopaedic; no telephone line, no dialect, no child, hardly
  an elderly speaker. How well it hears freely speaking callers has not been measured: measure it on your own line
  before you rely on it.
- Free dictation with a small model makes errors that a reader can often repair and a program cannot. Where the choices
  are known, give the recogniser a grammar. Numbers, names and places are the least sure.
- Tones are not heard; words that sound alike are told apart by their neighbours alone.
- A bank that needs more installs a larger Vosk model by a setting.

## Data and licences

| source | licence |
|---|---|
| Mozilla Common Voice zh-CN, zh-TW | CC0 1.0 |
| AISHELL-1 (sample), AISHELL-3 (clips), Beijing Shell Shell Technology | Apache-2.0 |
| DSPSpeech-20 | MIT |
| Kokoro-82M (hexgrad) with kokoro-onnx' int8 export; its voices from kokoro-js | Apache-2.0 (export MIT) |
| texts: this project's articles, utterances and grammars | Apache-2.0 |
| word frequencies and division: jieba; readings: pypinyin | MIT |

Speech of people is not part of this repository. The model is licensed under Apache-2.0.
"""


UNFINISHED = """- **Preliminary.** Training was stopped after {steps:,} of {planned:,} steps.
  It falls short of what it is meant to reach: at most 8 % character errors on clean and 12 % on telephone speech of the
  test voices, 22 % phone errors on real speakers, 97 % right among 200 sentences.
"""


def write_card(folder: Path, origin: Origin, figures: Mapping[str, Figure], real: float | None) -> None:
    """Write README.md of the model in `folder`, whose other files are complete."""
    from asr.language.phones import PHONES

    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    before, after = origin.network_context_seconds
    text = CARD.format(
        name=MODEL_NAME, phones=len(PHONES), parameters=origin.parameters / 1e6, before=before, after=after,
        steps=origin.steps, sentences=origin.sentences, real_hours=origin.real_hours,
        real_speakers=origin.real_speakers, synthetic_hours=origin.synthetic_hours,
        synthetic_speakers=origin.synthetic_speakers, size=size,
        state=UNFINISHED.format(steps=origin.steps, planned=STEPS) if origin.steps < STEPS else "",
        rows="\n".join(_row(name, figure) for name, figure in figures.items()), real=_real(real), wrong=_wrong(figures),
    )  # fmt: skip
    (folder / "README.md").write_text(text, encoding="utf-8")


def _row(name: str, figure: Figure) -> str:
    chosen = "" if figure.choice_accuracy is None else f"{figure.choice_accuracy:.1%}"
    return (
        f"| {name} | {figure.sentences} | {figure.character_error:.1%} | {figure.sentence_accuracy:.1%} "
        f"| {chosen} | {figure.speed:.3f} |"
    )


def _real(phone_error: float | None) -> str:
    if phone_error is None:
        return "Trained without real speech; the network has not been measured on people at all."
    return (
        "The network alone (its most probable phones, no lexicon, no language model) on real speakers kept back from "
        f"training, general read sentences: **{phone_error:.1%} phone errors**."
    )


def _wrong(figures: Mapping[str, Figure]) -> str:
    free = next(iter(figures.values()))
    return "\n".join(f"- {said} | {heard or '(nothing)'}" for said, heard in examples(free, 12))
