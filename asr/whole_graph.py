"""A model's two half graphs composed into one, once, for callers who may say anything.

Vosk composes the halves (HCLr and Gr) anew for every caller while it listens; that is what run-time phrases need, and
it costs each caller some 30 MB and four times the work. The whole graph is shared by all callers of a process. It is
too large to ship, so it is made where it is used, and made again for another model.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import structlog

from asr.model_folder import FIXED_GRAPH, check_loads, has_grammars, model_version
from asr.problems import ModelUnusable
from core.settings import Settings

log = structlog.get_logger()

COMPOSE_SECONDS = 300
KEPT = 3  # of the models in use, adapted and before
PROGRAMS = ("fstcompose", "fstrelabel", "fstconvert")
DEBIAN_PACKAGES = "libfst-tools libfst22-plugins-base"


def made_whole(settings: Settings, folder: Path) -> Path | None:
    """The model of `folder` with its graph composed, if that has been done."""
    if (folder / FIXED_GRAPH[0]).is_file():
        return folder
    place = _place(settings, folder)
    return place if (place / FIXED_GRAPH[0]).is_file() else None


def make_whole(settings: Settings, folder: Path) -> Path | None:
    """The same, done now where it has not been. None where it cannot be: the model works without, at a price."""
    if (found := made_whole(settings, folder)) or not has_grammars(folder):
        return found
    place = _place(settings, folder)
    place.parent.mkdir(parents=True, exist_ok=True)
    with (place.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if made_whole(settings, folder):
            return place
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".draft-") as scratch:
            draft = Path(scratch, "model")
            try:
                _compose(folder, draft)
                check_loads(draft)
            except (OSError, subprocess.SubprocessError, ModelUnusable) as error:
                log.warning("callers take more memory: the graph cannot be composed", packages=DEBIAN_PACKAGES,
                            reason=_reason(error))  # fmt: skip
                return None
            shutil.rmtree(place, ignore_errors=True)
            draft.rename(place)
        _forget_older(place)
    return place


def _place(settings: Settings, folder: Path) -> Path:
    return settings.data_dir.resolve() / "models" / "asr-whole" / model_version(folder)


def _compose(folder: Path, draft: Path) -> None:
    graph = draft / "graph"
    graph.mkdir(parents=True)
    for part in ("am", "conf"):
        (draft / part).symlink_to((folder / part).resolve())
    shutil.copy(folder / "graph" / "words.txt", graph)
    marks = (folder / "graph" / "disambig_tid.int").read_text().split()
    silent, composed, plain = draft / "pairs.txt", draft / "composed.fst", draft / "plain.fst"
    silent.write_text("".join(f"{mark} 0\n" for mark in marks))
    _run("fstcompose", folder / "graph" / "HCLr.fst", folder / "graph" / "Gr.fst", composed)
    _run("fstrelabel", f"--relabel_ipairs={silent}", composed, plain)
    _run("fstconvert", "--fst_type=const", plain, graph / "HCLG.fst")
    for path in (silent, composed, plain):
        path.unlink()


def _run(program: str, *arguments: str | Path) -> None:
    folders = [*map(str, Path("/usr/lib").glob("*/fst/*")), os.environ.get("LD_LIBRARY_PATH", "")]
    environment = {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(folders)}
    command = [program, *map(str, arguments)]
    subprocess.run(command, check=True, timeout=COMPOSE_SECONDS, env=environment, capture_output=True, text=True)


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return str(error.stderr).strip()[-300:]
    return str(error)[:300]


def _forget_older(place: Path) -> None:
    others = [path for path in place.parent.iterdir() if path.is_dir() and not path.name.startswith(".")]
    for path in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
        shutil.rmtree(path, ignore_errors=True)
