"""What the command line does with speech: hear files, measure, adapt, download. Needs no running product."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asr import download as downloading
from asr.adaptation import Sources, go_back
from asr.adaptation import adapt as adapt_language
from asr.audio import Audio, Limits, read_audio
from asr.engine import Transcriber, Transcript
from asr.evaluation import figures, hear_all, read_manifest, write_errors
from asr.model_folder import (
    BUNDLED_MODELS,
    check_loads,
    configured_model,
    downloaded_models,
    has_grammars,
    model_in_use,
    model_version,
    read_note,
)
from asr.problems import ModelUnusable
from asr.report_page import write_report
from asr.whole_graph import made_whole
from core.problems import InvalidInput, Problem
from core.settings import Settings

Fields = dict[str, Any]


def open_engine(settings: Settings) -> Transcriber:
    """The engine of the settings with its model. Raises ModelUnusable or EngineMissing."""
    if settings.asr_engine == "whisper":
        from asr.whisper_engine import WhisperTranscriber

        if not settings.whisper_model:
            raise ModelUnusable("TELLER_WHISPER_MODEL names no folder of a Whisper model")
        return WhisperTranscriber(Path(settings.whisper_model))
    from asr.vosk_engine import VoskTranscriber

    folder = model_in_use(settings)
    check_loads(folder)
    return VoskTranscriber(folder, made_whole(settings, folder))


def read(settings: Settings, path: Path) -> Audio:
    return read_audio(path, limits=Limits(settings.asr_max_file_mb, settings.asr_max_minutes))


def transcribe(settings: Settings, paths: Sequence[Path]) -> list[Fields]:
    """What is said in each file, or why it cannot be heard ("error")."""
    engine = open_engine(settings)
    try:
        return [_heard(settings, engine, path) for path in paths]
    finally:
        engine.close()


def _heard(settings: Settings, engine: Transcriber, path: Path) -> Fields:
    try:
        audio = read(settings, path)
    except Problem as problem:
        return {"path": str(path), "error": {"code": problem.code, "detail": problem.detail}}
    except OSError as error:
        return {"path": str(path), "error": {"code": "file_error", "detail": f"{path}: {error.strerror}"}}
    transcript = asyncio.run(engine.transcribe(audio.pcm, audio.rate))
    return {"path": str(path), "seconds": round(audio.seconds, 2), **as_fields(transcript)}


def as_fields(transcript: Transcript) -> Fields:
    return {
        "text": transcript.text,
        "spoken": transcript.spoken,
        "confidence": round(transcript.confidence, 4),
        "words": [
            {
                "text": word.text, "start": round(word.start, 3), "end": round(word.end, 3),
                "confidence": round(word.confidence, 4),
            }
            for word in transcript.words
        ],
        "model": transcript.model,
    }  # fmt: skip


def evaluate(settings: Settings, manifest: Path, errors: Path | None = None, report: Path | None = None) -> Fields:
    """Figures over a speech manifest; the failures go to `errors` as JSON lines, a page with charts to `report`."""
    recordings = read_manifest(manifest)
    engine = open_engine(settings)
    try:
        outcomes = list(hear_all(
            recordings, lambda path: read(settings, path),
            lambda audio: asyncio.run(engine.transcribe(audio.pcm, audio.rate)), settings.asr_drop_fillers,
        ))  # fmt: skip
    finally:
        engine.close()
    result = figures(outcomes)
    if errors:
        write_errors(outcomes, errors)
    if report:
        write_report(result, report)
    return result


def adapt(
    settings: Settings, knowledge: Sequence[str], dev_texts: Sequence[str], transcripts: Sequence[Path] = (),
    words: Path | None = None, dev: Path | None = None, force: bool = False,
) -> Fields:  # fmt: skip
    """Build the language part anew from `knowledge` and the files given, compare, and switch unless it is worse."""
    words = words or (Path(settings.asr_words_file) if settings.asr_words_file else None)
    if words and not words.is_file():
        raise InvalidInput(f"{words}: no such file of words")
    sources = Sources(
        knowledge, [line for path in transcripts for line in _lines(path)], _lines(words) if words else (), dev_texts,
        read_manifest(dev) if dev else (),
    )  # fmt: skip
    return adapt_language(settings, sources, force)


def adapt_back(settings: Settings) -> Fields:
    return go_back(settings)


def _lines(path: Path) -> list[str]:
    """The texts of a file, one a line (of a manifest, its transcripts), or of all text files in a folder."""
    if path.is_dir():
        return [line for file in sorted(path.rglob("*")) if file.suffix in (".txt", ".tsv") for line in _lines(file)]
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    return [line.split("\t")[1] if "\t" in line else line for line in lines if line.strip()]


def download(settings: Settings, name: str, sha256: str = "", force: bool = False) -> Fields:
    found = downloading.download(name, settings.asr_download_url, downloaded_models(settings), sha256, force)
    return found | {"use": f"TELLER_ASR_MODEL={name}"}


def status(settings: Settings) -> Fields:
    """Which model is in use, whether it is whole, and which others are here."""
    folder, configured = model_in_use(settings), configured_model(settings)
    fault = ""
    try:
        check_loads(folder)
    except ModelUnusable as problem:
        fault = problem.detail
    others = [path.name for place in (BUNDLED_MODELS, downloaded_models(settings)) for path in _folders(place)]
    return {
        "engine": settings.asr_engine,
        "model": model_version(folder) if folder.is_dir() else None,
        "path": str(folder),
        "ok": not fault,
        "fault": fault,
        "grammars": has_grammars(folder),
        "adapted": folder != configured,
        "previous": read_note(settings).get("previous") or None,
        "megabytes": round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6, 1),
        "models": sorted(others),
        "port": settings.asr_port,
    }


def _folders(place: Path) -> list[Path]:
    if not place.is_dir():
        return []
    return [path for path in place.iterdir() if path.is_dir() and not path.name.startswith(".")]
