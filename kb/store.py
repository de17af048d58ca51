"""The trained index on disk: vectors, scorer and decision under one manifest, replaced as a whole.

Each save is a new folder below `<data>/kb/`; the file `current` names the one in force and is replaced atomically, so
that a crash at any moment leaves the old index or the new one, never a mixture.
"""

import json
import os
import shutil
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from kb.corpus import Lesson, Wording
from kb.decision import Gate
from kb.index import VectorIndex
from kb.scorer import KernelScorer
from kb.search import Snapshot

log = structlog.get_logger()

FORMAT = 3
KEPT_SECONDS = 60.0  # another process may still be reading or writing a folder that is younger
# What reading damaged files raises, in JSON, NumPy and FAISS.
DAMAGE = (OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError, zipfile.BadZipFile)


@dataclass(frozen=True)
class StoredIndex:
    generation: int
    fitted_on: set[Lesson]
    vectors: dict[str, NDArray[np.float32]]  # by text
    scorer: KernelScorer
    gate: Gate


class IndexStore:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pointer = folder / "current"
        self._known = ""  # the folder that was last written or read here

    def save(self, snapshot: Snapshot, model_id: str, beside: Sequence[Lesson], vectors: NDArray[np.float32]) -> None:
        """Write the snapshot, and what only training needs: the lessons beside the wordings with their vectors."""
        name = f"{snapshot.corpus.generation:08d}-{datetime.now(UTC):%Y%m%d%H%M%S%f}"
        folder = self.folder / name
        folder.mkdir(parents=True)
        ids = list(snapshot.corpus.wordings)
        snapshot.corpus.index.write(str(folder / "vectors.faiss"))
        np.savez(folder / "training.npz", allow_pickle=False, beside=vectors, **snapshot.scorer.state())
        manifest = {
            "format": FORMAT,
            "model": model_id,
            "generation": snapshot.scorer_generation,
            "ids": ids,
            "wordings": [[snapshot.corpus.wordings[i].key, snapshot.corpus.wordings[i].text] for i in ids],
            "beside": [[lesson.text, sorted(lesson.keys)] for lesson in beside],
            "scorer_texts": snapshot.scorer.texts,
            "scorer_keys": snapshot.scorer.keys,
            "gate": snapshot.gate.as_json(),
        }
        (folder / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
        self._point_to(name)

    def _point_to(self, name: str) -> None:
        draft = self._pointer.with_suffix(".new")
        with open(draft, "w") as file:
            file.write(name)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, self._pointer)
        self._known = name
        for old in self.folder.iterdir():
            if old.is_dir() and old.name != name and _age(old) > KEPT_SECONDS:
                shutil.rmtree(old, ignore_errors=True)

    def load(self, model_id: str) -> StoredIndex | None:
        """The index in force, or None when there is none for this model that can be read."""
        self._known = self._in_force()
        if not self._known:
            return None
        folder = self.folder / self._known
        try:
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            if manifest["format"] != FORMAT or manifest["model"] != model_id:
                return None
            return _read(folder, manifest)
        except FileNotFoundError:
            return None
        except DAMAGE as error:
            log.error("the stored index cannot be read and will be built anew", problem=str(error))
            return None

    def news(self, model_id: str) -> StoredIndex | None:
        """The index in force, when another process has put it there since the last `save`, `load` or `news`."""
        return None if self._in_force() == self._known else self.load(model_id)

    def _in_force(self) -> str:
        """Name of the folder in force, empty when there is none."""
        try:
            return self._pointer.read_text().strip()
        except (OSError, UnicodeDecodeError):
            return ""


def _read(folder: Path, manifest: dict[str, Any]) -> StoredIndex:
    index = VectorIndex.read(str(folder / "vectors.faiss"))
    wordings = [Wording(key, text) for key, text in manifest["wordings"]]
    vectors = dict(zip((wording.text for wording in wordings), index.vectors(manifest["ids"]), strict=True))
    with np.load(folder / "training.npz") as arrays:
        state = {name: arrays[name] for name in arrays.files}
    beside = [Lesson(text, frozenset(keys)) for text, keys in manifest["beside"]]
    vectors |= dict(zip((lesson.text for lesson in beside), state.pop("beside"), strict=True))
    scorer = KernelScorer.restore(manifest["scorer_texts"], manifest["scorer_keys"], state)
    fitted_on = {*(wording.lesson for wording in wordings), *beside}
    return StoredIndex(manifest["generation"], fitted_on, vectors, scorer, Gate.from_json(manifest["gate"]))


def _age(folder: Path) -> float:
    """Seconds since the folder was written; 0 when another process has just removed it."""
    try:
        return time.time() - folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0
