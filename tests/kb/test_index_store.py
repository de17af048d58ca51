"""The index on disk: the old one or the new one, never a mixture; a damaged one counts as none."""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kb import store as store_module
from kb.corpus import Vectors
from kb.search import SearchEngine, Snapshot
from kb.service import save
from kb.store import IndexStore
from kb.training import lessons
from tests.kb import sample
from tests.kb.fake_encoder import FakeEncoder

pytestmark = pytest.mark.unit


@pytest.fixture
def store(tmp_path: Path) -> IndexStore:
    return IndexStore(tmp_path / "kb")


@pytest.fixture
def saved(store: IndexStore, snapshot: Snapshot, encoder: FakeEncoder) -> IndexStore:
    save(store, snapshot, Vectors(encoder, {}))
    return store


def folders(store: IndexStore) -> list[str]:
    return sorted(path.name for path in store.folder.iterdir() if path.is_dir())


def in_force(store: IndexStore) -> Path:
    return store.folder / (store.folder / "current").read_text()


def newer(snapshot: Snapshot, encoder: FakeEncoder) -> Snapshot:
    engine = SearchEngine(encoder, snapshot)
    engine.apply([sample.stored(sample.article("a.new"))], [], 7)
    engine.adopt(snapshot.scorer, 7)
    return engine.snapshot


def test_what_is_saved_is_loaded(saved: IndexStore, snapshot: Snapshot, encoder: FakeEncoder) -> None:
    loaded = saved.load(encoder.model_id)
    assert loaded is not None
    assert loaded.generation == snapshot.corpus.generation
    assert loaded.gate == snapshot.gate
    assert loaded.fitted_on == set(lessons(snapshot.corpus))
    for text in ("卡不见了要怎么挂失", sample.NEGATIVES[0]):
        vector = encoder.encode([text])[0]
        assert loaded.vectors[text] == pytest.approx(vector)
        assert loaded.scorer.support(text, vector) == snapshot.scorer.support(text, vector)


def test_nothing_is_loaded_where_nothing_was_saved(store: IndexStore) -> None:
    assert store.load("fake/1") is None


def test_an_index_of_another_model_counts_as_none(saved: IndexStore) -> None:
    assert saved.load("fake/2") is None


def test_an_index_of_another_format_counts_as_none(saved: IndexStore, encoder: FakeEncoder) -> None:
    path = in_force(saved) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 1}))
    assert saved.load(encoder.model_id) is None


def test_a_crash_before_the_new_index_is_in_force_leaves_the_old_one(
    saved: IndexStore, snapshot: Snapshot, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        save(saved, newer(snapshot, encoder), Vectors(encoder, {}))
    monkeypatch.undo()
    assert len(folders(saved)) == 2
    loaded = saved.load(encoder.model_id)
    assert loaded is not None
    assert loaded.generation == 6


def test_a_crash_while_the_new_index_is_written_leaves_the_old_one(
    saved: IndexStore, snapshot: Snapshot, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", crash)
    with pytest.raises(OSError, match="no space"):
        save(saved, newer(snapshot, encoder), Vectors(encoder, {}))
    loaded = saved.load(encoder.model_id)
    assert loaded is not None
    assert loaded.generation == 6


def test_an_old_index_is_removed_once_no_process_can_be_reading_it(
    saved: IndexStore, snapshot: Snapshot, encoder: FakeEncoder
) -> None:
    first = in_force(saved)
    save(saved, newer(snapshot, encoder), Vectors(encoder, {}))
    assert first.is_dir()
    long_ago = time.time() - store_module.KEPT_SECONDS - 1
    os.utime(first, (long_ago, long_ago))
    save(saved, newer(snapshot, encoder), Vectors(encoder, {}))
    assert not first.exists()
    assert in_force(saved).is_dir()


def cut(name: str, share: float) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / name
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return damage


def scribble(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / name
        content = bytearray(path.read_bytes())
        middle = len(content) // 2
        content[middle : middle + 400] = b"\xff" * 400
        path.write_bytes(content)

    return damage


def manifest_without(field: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / "manifest.json"
        content = json.loads(path.read_text())
        del content[field]
        path.write_text(json.dumps(content))

    return damage


DAMAGES: dict[str, Callable[[Path], None]] = {
    "folder gone": shutil.rmtree,
    **{f"{name} gone": lambda folder, name=name: (folder / name).unlink()  # type: ignore[misc]
       for name in ("manifest.json", "vectors.faiss", "training.npz")},
    **{f"{name} cut to {share}": cut(name, share)
       for name in ("manifest.json", "vectors.faiss", "training.npz") for share in (0, 0.01, 0.5, 0.99)},
    "manifest scribbled over": scribble("manifest.json"),
    "arrays scribbled over": scribble("training.npz"),
    "manifest is a list": lambda folder: (folder / "manifest.json").write_text("[]") and None,
    "manifest is nothing": lambda folder: (folder / "manifest.json").write_text("null") and None,
    **{f"manifest without {field}": manifest_without(field)
       for field in ("format", "model", "wordings", "ids", "gate", "scorer_texts", "generation")},
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=list(DAMAGES))
def test_a_damaged_index_counts_as_none(
    damage: Callable[[Path], None], saved: IndexStore, encoder: FakeEncoder
) -> None:
    damage(in_force(saved))
    assert saved.load(encoder.model_id) is None


@pytest.mark.parametrize("pointer", ["", "nowhere", "\udcff", "../.."])
def test_a_damaged_pointer_counts_as_none(pointer: str, saved: IndexStore, encoder: FakeEncoder) -> None:
    (saved.folder / "current").write_bytes(pointer.encode("utf-8", "surrogateescape"))
    assert saved.load(encoder.model_id) is None
