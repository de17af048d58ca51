"""Teach the recogniser the bank's present language: build its language part anew, compare, and switch.

The sounds stay as they are; vocabulary and word sequences come from the knowledge base, corrected transcripts, the
bank's own words, and the generated sentences that the bundled model was made with. The new model lies beside the old
one; a note names the one in use, and running recognisers take it for new callers (`asr.server`).
"""

import asyncio
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.evaluation import Recording, figures, hear_all
from asr.language.phones import PHONES
from asr.language.text import sentences as spoken_sentences
from asr.model_folder import (
    adapted_models,
    check_files,
    check_loads,
    configured_model,
    has_grammars,
    model_in_use,
    model_version,
    read_note,
    write_note,
)
from asr.problems import AdaptationFailed
from asr.sequences import WordGraph, perplexity
from core.settings import PROJECT, Settings

BUILD_SECONDS = 600
# How much the language model listens to each kind of text.
WEIGHTS = {"knowledge": 0.75, "generated": 0.25, "transcripts": 0.25, "words": 0.05}
# A bank's own word is heard only in sentences that it has been seen in.
CARRIERS = ("{}", "我想问一下{}", "{}怎么办理", "{}是什么", "帮我查一下{}", "我要办{}", "{}在哪里", "你们的{}怎么样")
WORSE_BY = 1.03  # the new perplexity may be so much higher than the old one: new texts widen what is expected
CER_WORSE_BY = 0.005


@dataclass(frozen=True)
class Sources:
    """Written or spoken texts to learn from, and what to compare on."""

    knowledge: Sequence[str]
    transcripts: Sequence[str] = ()
    words: Sequence[str] = ()
    dev_texts: Sequence[str] = ()
    dev_recordings: Sequence[Recording] = ()


def adapt(settings: Settings, sources: Sources, force: bool = False) -> dict[str, Any]:
    """Build, compare and, unless the new one is worse, switch.

    {"switched", "reason", "model", "previous", "sentences", "comparison", "seconds"}. Raises ModelUnusable or
    AdaptationFailed; the model in use then stays.
    """
    began = time.monotonic()
    base = configured_model(settings)
    _check_base(base)
    folder = adapted_models(settings)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        old, draft = model_in_use(settings), folder / ".draft"
        shutil.rmtree(draft, ignore_errors=True)
        try:
            counts = _build(base, draft, sources)
            check_loads(draft)
            comparison = _compare(old, draft, sources, settings)
            reason = _why_worse(comparison)
            switched = force or not reason
            new = _switch(settings, base, draft) if switched else old
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return {
        "switched": switched, "reason": reason, "model": model_version(new), "previous": old.name,
        "sentences": counts, "comparison": comparison, "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip


def go_back(settings: Settings) -> dict[str, Any]:
    """Use the model before the present one again; a second time, the configured model."""
    note = read_note(settings)
    if not note:
        raise AdaptationFailed("no adapted model is in use")
    earlier = note.get("previous", "")
    if earlier and (adapted_models(settings) / earlier).is_dir():
        write_note(settings, {"model": earlier, "base": note["base"]})
    else:
        write_note(settings, {})
    return {"model": model_version(model_in_use(settings)), "left": note.get("model", "")}


def _check_base(base: Path) -> None:
    """Only our own kind of model can be given another language part: its phones must be those of our lexicon."""
    check_files(base)
    marks = base / "graph" / "disambig_tid.int"
    first = marks.read_text().split()[:1] if marks.is_file() else []
    if not has_grammars(base) or first != [str(2 * len(PHONES) + 1)]:
        raise AdaptationFailed(f"{base.name} was not made by this project, so its language part cannot be built anew")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AdaptationFailed("another adaptation is at work") from None
        yield


def _build(base: Path, draft: Path, sources: Sources) -> dict[str, int]:
    """Write a whole model to `draft`; gives how many sentences of each kind it learned from."""
    draft.mkdir()
    for part in ("am", "conf"):
        shutil.copytree(base / part, draft / part)
    texts = _texts(sources)
    arguments = []
    for kind, sentences in texts.items():
        if sentences:
            file = draft / f"{kind}.txt"
            file.write_text("\n".join(sentences) + "\n", encoding="utf-8")
            arguments.append(f"{WEIGHTS[kind]}={file}")
    _build_graph(draft / "graph", arguments)
    for kind in texts:
        (draft / f"{kind}.txt").unlink(missing_ok=True)
    return {kind: len(sentences) for kind, sentences in texts.items()}


def _texts(sources: Sources) -> dict[str, list[str]]:
    from asr.training.generated_text import SentenceGenerator
    from asr.training.texts import GENERATED_SENTENCES, LANGUAGE_SEED

    knowledge, transcripts = _spoken(sources.knowledge), _spoken(sources.transcripts)
    if not knowledge:
        raise AdaptationFailed("there is no text to learn from: the knowledge base is empty")
    words = [carrier.format(word) for word in _spoken(sources.words) for carrier in CARRIERS]
    generated = SentenceGenerator(LANGUAGE_SEED).distinct(GENERATED_SENTENCES)
    return {"knowledge": knowledge, "generated": generated, "transcripts": transcripts, "words": words}


def _spoken(texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(sentence for text in texts for sentence in spoken_sentences(text)))


def _build_graph(folder: Path, texts: Sequence[str]) -> None:
    """In a process of its own: the graph's library and Vosk cannot be in one."""
    command = [sys.executable, "-m", "asr.language.build", str(folder), *texts]
    try:
        done = subprocess.run(
            command, cwd=PROJECT, check=False, timeout=BUILD_SECONDS, capture_output=True, text=True, errors="replace",
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise AdaptationFailed(f"the language part was not built within {BUILD_SECONDS} s") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
        raise AdaptationFailed(f"the language part could not be built: {lines[-1][:400]}")


def _compare(old: Path, new: Path, sources: Sources, settings: Settings) -> dict[str, Any]:
    """Old and new model on the same texts and recordings, with the words that neither learned from them."""
    graphs = {"old": WordGraph.read(old), "new": WordGraph.read(new)}
    comparison: dict[str, Any] = {}
    for name, texts in (("perplexity", _spoken(sources.dev_texts)), ("words", _spoken(sources.words))):
        if texts:
            found = {which: round(perplexity(graph, texts), 2) for which, graph in graphs.items()}
            comparison[name] = {"n": len(texts), **found}
    if sources.dev_recordings:
        comparison["cer"] = {
            "n": len(sources.dev_recordings),
            "old": _character_errors(old, sources.dev_recordings, settings),
            "new": _character_errors(new, sources.dev_recordings, settings),
        }
    return comparison


def _character_errors(model: Path, recordings: Sequence[Recording], settings: Settings) -> float | None:
    from asr.commands import read
    from asr.vosk_engine import VoskTranscriber

    engine = VoskTranscriber(model)
    outcomes = hear_all(
        recordings, lambda path: read(settings, path),
        lambda audio: asyncio.run(engine.transcribe(audio.pcm, audio.rate)), settings.asr_drop_fillers,
    )  # fmt: skip
    errors: float | None = figures(list(outcomes))["cer"]
    engine.close()
    return errors


def _why_worse(comparison: dict[str, Any]) -> str:
    """Why the new model should not be used; empty when it may."""
    errors = comparison.get("cer")
    if errors and errors["new"] is not None and errors["old"] is not None:
        if errors["new"] > errors["old"] + CER_WORSE_BY:
            return f"character errors rise from {errors['old']:.1%} to {errors['new']:.1%}"
        return ""  # what is heard decides
    text = comparison.get("perplexity")
    if text and text["new"] > text["old"] * WORSE_BY:
        return f"the perplexity of the comparison texts rises from {text['old']} to {text['new']}"
    return ""


def _switch(settings: Settings, base: Path, draft: Path) -> Path:
    """Give the draft its place and let the note name it; the one before stays, older ones go."""
    folder, before = adapted_models(settings), read_note(settings).get("model", "")
    name = f"{base.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    new = folder / name
    draft.rename(new)
    write_note(settings, {"model": name, "base": model_version(base), "previous": before})
    for other in folder.iterdir():
        if other.is_dir() and other.name not in (name, before):
            shutil.rmtree(other, ignore_errors=True)
    return new
