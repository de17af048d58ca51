"""An encoder without a model: texts that share runs of characters get near vectors."""

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

DIMENSION = 64


class FakeEncoder:
    """Hashed runs of one and two characters. Complete: unit vectors, equal for equal texts, any text at all."""

    def __init__(self, model_id: str = "fake/1") -> None:
        self.model_id = model_id
        self.dimension = DIMENSION
        self.encoded: list[str] = []  # every text that was asked for, in order

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.encoded += texts
        return np.array([_vector(text) for text in texts], np.float32).reshape(len(texts), DIMENSION)


def _vector(text: str) -> NDArray[np.float32]:
    vector = np.full(DIMENSION, 0.1, np.float32)  # no text is without a direction
    for gram in [*text, *(text[i : i + 2] for i in range(len(text) - 1))]:
        code = zlib.crc32(gram.encode("utf-8", "replace"))
        vector[code % DIMENSION] += 1 if code & 0x8000 else -1
    unit: NDArray[np.float32] = vector / np.linalg.norm(vector)
    return unit
