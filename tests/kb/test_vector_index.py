"""The vector index: exact, and changed only by copies."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from kb.index import VectorIndex

pytestmark = pytest.mark.unit

DIMENSION = 16


def units(count: int, seed: int = 0) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def index() -> VectorIndex:
    return VectorIndex(DIMENSION).updated([], range(10, 30), units(20))


def test_the_nearest_come_first_with_their_cosines(index: VectorIndex) -> None:
    query = units(1, seed=9)[0]
    cosines, ids = index.search(query, 5)
    exact = units(20) @ query
    assert (ids - 10).tolist() == np.argsort(-exact)[:5].tolist()
    assert cosines == pytest.approx(np.sort(exact)[::-1][:5])


def test_no_more_is_found_than_there_is(index: VectorIndex) -> None:
    _, ids = index.search(units(1)[0], 100)
    assert sorted(ids.tolist()) == list(range(10, 30))
    empty, nothing = VectorIndex(DIMENSION).search(units(1)[0], 5)
    assert len(empty) == len(nothing) == 0


def test_an_update_leaves_the_old_index_as_it_was(index: VectorIndex) -> None:
    before = index.search(units(20)[3], 20)
    newer = index.updated([13, 14], [50], units(1, seed=5))
    after = index.search(units(20)[3], 20)
    assert (len(index), len(newer)) == (20, 19)
    assert before[0].tolist() == after[0].tolist()
    assert before[1].tolist() == after[1].tolist()
    assert after[1][0] == 13
    assert 13 not in newer.search(units(20)[3], 20)[1]
    assert newer.search(units(1, seed=5)[0], 1)[1].tolist() == [50]


def test_an_article_may_lose_all_its_wordings_and_get_new_ones(index: VectorIndex) -> None:
    emptied = index.updated(range(10, 30), [], np.empty((0, DIMENSION), np.float32))
    assert len(emptied) == 0
    refilled = emptied.updated([], [99], units(1))
    assert refilled.search(units(1)[0], 3)[1].tolist() == [99]


def test_vectors_come_back_as_they_went_in(index: VectorIndex) -> None:
    assert index.vectors([12, 29]) == pytest.approx(units(20)[[2, 19]])
    assert index.vectors([]).shape == (0, DIMENSION)
    with pytest.raises(RuntimeError):
        index.vectors([7])


def test_a_written_index_is_read_again(index: VectorIndex, tmp_path: Path) -> None:
    path = str(tmp_path / "vectors.faiss")
    index.write(path)
    read = VectorIndex.read(path)
    assert len(read) == 20
    assert read.dimension == DIMENSION
    assert read.vectors(range(10, 30)) == pytest.approx(units(20))
    assert len(read.updated([10], [60], units(1, seed=2))) == 20


@pytest.mark.parametrize("kept", [0, 3, 40, 0.5, -1])
def test_a_truncated_file_is_refused(kept: float, index: VectorIndex, tmp_path: Path) -> None:
    path = tmp_path / "vectors.faiss"
    index.write(str(path))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if 0 < kept < 1 else int(kept)])
    with pytest.raises(RuntimeError):
        VectorIndex.read(str(path))
