"""A Vosk model's folder: which one is in use, whether it is whole, and its version.

The model in use is the one that the settings name (the bundled one without a setting), or what `teller asr adapt` made
of exactly that one: a note in the data folder names it.
"""

import hashlib
import json
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from asr.problems import ModelUnusable
from core.settings import PROJECT, Settings

BUNDLED_MODELS = PROJECT / "asr" / "models"
BUNDLED_MODEL = "teller-zh-8k"

KALDI_MARK = b"\0B"  # the beginning of every binary file of Kaldi
FST_MARK = (2125659606).to_bytes(4, "little")  # of OpenFst
REQUIRED = ("am/final.mdl", "conf/mfcc.conf", "conf/model.conf", "graph")
GRAMMAR_GRAPH = ("graph/HCLr.fst", "graph/Gr.fst", "graph/words.txt")
FIXED_GRAPH = ("graph/HCLG.fst",)
LOAD_SECONDS = 120


def configured_model(settings: Settings) -> Path:
    """The folder that the settings name; a bare name is one of the bundled or downloaded models."""
    name = settings.asr_model or BUNDLED_MODEL
    places = (downloaded_models(settings) / name, BUNDLED_MODELS / name)
    return next((place for place in places if place.is_dir()), PROJECT / name if settings.asr_model else places[-1])


def model_in_use(settings: Settings) -> Path:
    """The adapted form of the configured model where there is one, else that model itself."""
    configured = configured_model(settings)
    note = read_note(settings)
    adapted = adapted_models(settings) / str(note.get("model", ""))
    if note and adapted.is_dir() and configured.is_dir() and note.get("base") == model_version(configured):
        return adapted
    return configured


def adapted_models(settings: Settings) -> Path:
    return settings.data_dir / "models" / "asr-adapted"


def downloaded_models(settings: Settings) -> Path:
    return settings.data_dir / "models" / "asr"


def current_note(settings: Settings) -> Path:
    """The file that names the adapted model in use, the one before it, and the model that both were made of."""
    return adapted_models(settings) / "current.json"


def read_note(settings: Settings) -> dict[str, str]:
    try:
        return dict(json.loads(current_note(settings).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def write_note(settings: Settings, note: dict[str, str]) -> None:
    """Replace the note at once: a reader sees the old or the new one."""
    path = current_note(settings)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(note), encoding="utf-8")
    os.replace(draft, path)


def model_version(folder: Path) -> str:
    """Name and short hash of the content, e.g. "teller-zh-8k@3f2a90c1"."""
    files = [path for name in ("am", "conf", "graph", "ivector") for path in sorted((folder / name).rglob("*"))]
    states = [(path, path.stat()) for path in files if path.is_file()]
    seen = tuple((str(path.relative_to(folder)), state.st_size, state.st_mtime_ns) for path, state in states)
    return f"{folder.name}@{_content_hash(folder, seen)}"


@lru_cache(maxsize=16)  # it reads tens of megabytes, and is asked for with every call
def _content_hash(folder: Path, seen: tuple[tuple[str, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for name, size, _ in seen:
        digest.update(f"{name}\0{size}\0".encode())
        with (folder / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:8]


def has_grammars(folder: Path) -> bool:
    """Whether the model can be narrowed to phrases while it runs."""
    return all((folder / name).is_file() for name in GRAMMAR_GRAPH)


def check_files(folder: Path) -> None:
    """Raise ModelUnusable unless all files of a Vosk model are there and begin as they must."""
    if not folder.is_dir():
        raise ModelUnusable(f"there is no speech model at {folder}; set TELLER_ASR_MODEL or restore the folder")
    missing = [name for name in REQUIRED if not (folder / name).exists()]
    if not missing and not has_grammars(folder):
        missing = [name for name in FIXED_GRAPH if not (folder / name).is_file()]
    if missing:
        raise ModelUnusable(f"the speech model at {folder} is incomplete: {', '.join(missing)} missing")
    marks = {"am/final.mdl": KALDI_MARK, **dict.fromkeys([*FIXED_GRAPH, "graph/HCLr.fst", "graph/Gr.fst"], FST_MARK)}
    for name, mark in marks.items():
        path = folder / name
        if path.is_file() and not _begins_with(path, mark):
            raise ModelUnusable(f"the speech model at {folder} is damaged: {name} is not what it should be")


def _begins_with(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(mark)) == mark


def check_loads(folder: Path) -> None:
    """Load the model in a process of its own: on a damaged file the engine may end the process that it runs in."""
    check_files(folder)
    code = "import sys; from asr.vosk_engine import try_model; try_model(sys.argv[1])"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder)], cwd=PROJECT, check=False, timeout=LOAD_SECONDS,
            capture_output=True, text=True, errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ModelUnusable(f"the speech model at {folder} could not be loaded within {LOAD_SECONDS} s") from None
    if done.returncode:
        raise ModelUnusable(f"the speech model at {folder} cannot be loaded: {_reason(done.stderr)}")


def _reason(messages: str) -> str:
    """The engine's own error among its messages; stack traces follow it."""
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR", "ASSERTION_FAILED", "FATAL"))]
    return (errors or lines or ["it gave no reason"])[0][:300]
