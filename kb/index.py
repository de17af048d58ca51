"""The vector index over all wordings: exact inner-product search, updated by clone-and-swap.

FAISS crashes when it is searched and updated at once, so an index that is in use is never changed: `updated` gives a
changed copy.
"""

from collections.abc import Iterable, Sequence

import faiss
import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]


class VectorIndex:
    """Unit vectors under integer ids; the ids are given by the caller and never used twice."""

    def __init__(self, dimension: int, index: faiss.Index | None = None) -> None:
        self.dimension = dimension
        self._index = index or faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def updated(self, remove: Iterable[int], ids: Sequence[int], vectors: Vectors) -> "VectorIndex":
        """A copy without the ids in `remove` and with the new ids; vectors is float32 [len(ids), dimension]."""
        clone = faiss.clone_index(self._index)
        gone = np.fromiter(remove, np.int64)
        if len(gone):
            clone.remove_ids(faiss.IDSelectorBatch(gone))
        if len(ids):
            clone.add_with_ids(np.ascontiguousarray(vectors, np.float32), np.asarray(ids, np.int64))
        return VectorIndex(self.dimension, clone)

    def search(self, vector: Vectors, k: int) -> tuple[NDArray[np.float32], Ids]:
        """Cosines and ids of the (at most k) nearest wordings of one vector [dimension], best first."""
        found = min(k, len(self))
        if not found:
            return np.empty(0, np.float32), np.empty(0, np.int64)
        scores, ids = self._index.search(vector.reshape(1, -1), found)
        return scores[0], ids[0]

    def vectors(self, ids: Sequence[int]) -> Vectors:
        """Stored vectors [len(ids), dimension]; raises RuntimeError for an id that is not there."""
        if not len(ids):
            return np.empty((0, self.dimension), np.float32)
        return np.vstack([self._index.reconstruct(int(i)) for i in ids])

    def write(self, path: str) -> None:
        faiss.write_index(self._index, path)

    @classmethod
    def read(cls, path: str) -> "VectorIndex":
        """Raises RuntimeError when the file is not a whole index."""
        index = faiss.read_index(path)
        return cls(index.d, index)
