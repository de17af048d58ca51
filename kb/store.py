"""The trained index on disk: vectors, scorer and decision under one manifest, replaced as a whole.

Each save is a new folder below `<data>/kb/`; the file `current` names the one in force and is replaced atomically, so
that a crash at any moment leaves the old index or the new one, never a mixture.
"""

import json
import os
import shutil
import time
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from kb.corpus import Wording
from kb.decision import Gate
from kb.index import VectorIndex
from kb.scorer import NONE, KernelScorer
from kb.search import Snapshot

log = structlog.get_logger()

FORMAT = 2
KEPT_SECONDS = 60.0  # another process may still be reading or writing a folder that is younger
# What reading damaged files raises, in JSON, NumPy and FAISS.
DAMAGE = (OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError, zipfile.BadZipFile)


@dataclass(frozen=True)
class StoredIndex:
    generation: int
    fitted_on: set[Wording]
    vectors: dict[str, NDArray[np.float32]]  # by text
    scorer: KernelScorer
    gate: Gate


class IndexStore:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pointer = folder / "current"

    def save(self, snapshot: Snapshot, model_id: str, negatives: dict[str, NDArray[np.float32]]) -> None:
        """Write the snapshot, and the negatives' vectors by text, which only training needs."""
        name = f"{snapshot.corpus.generation:08d}-{datetime.now(UTC):%Y%m%d%H%M%S%f}"
        folder = self.folder / name
        folder.mkdir(parents=True)
        ids = list(snapshot.corpus.wordings)
        snapshot.corpus.index.write(str(folder / "vectors.faiss"))
        extra = np.array([*negatives.values()], np.float32)
        np.savez(folder / "training.npz", allow_pickle=False, negatives=extra, **snapshot.scorer.state())
        manifest = {
            "format": FORMAT,
            "model": model_id,
            "generation": snapshot.scorer_generation,
            "ids": ids,
            "wordings": [[snapshot.corpus.wordings[i].key, snapshot.corpus.wordings[i].text] for i in ids],
            "negatives": [*negatives],
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
        for old in self.folder.iterdir():
            if old.is_dir() and old.name != name and _age(old) > KEPT_SECONDS:
                shutil.rmtree(old, ignore_errors=True)

    def load(self, model_id: str) -> StoredIndex | None:
        """The index in force, or None when there is none for this model that can be read."""
        try:
            folder = self.folder / self._pointer.read_text().strip()
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            if manifest["format"] != FORMAT or manifest["model"] != model_id:
                return None
            return _read(folder, manifest)
        except FileNotFoundError:
            return None
        except DAMAGE as error:
            log.error("the stored index cannot be read and will be built anew", problem=str(error))
            return None


def _read(folder: Path, manifest: dict[str, Any]) -> StoredIndex:
    index = VectorIndex.read(str(folder / "vectors.faiss"))
    wordings = [Wording(key, text) for key, text in manifest["wordings"]]
    vectors = dict(zip((wording.text for wording in wordings), index.vectors(manifest["ids"]), strict=True))
    with np.load(folder / "training.npz") as arrays:
        state = {name: arrays[name] for name in arrays.files}
    vectors |= dict(zip(manifest["negatives"], state.pop("negatives"), strict=True))
    scorer = KernelScorer.restore(manifest["scorer_texts"], manifest["scorer_keys"], state)
    fitted_on = {*wordings, *(Wording(NONE, text) for text in manifest["negatives"])}
    return StoredIndex(manifest["generation"], fitted_on, vectors, scorer, Gate.from_json(manifest["gate"]))


def _age(folder: Path) -> float:
    """Seconds since the folder was written; 0 when another process has just removed it."""
    try:
        return time.time() - folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0
