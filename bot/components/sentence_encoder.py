"""Sentence vectors from the ONNX embedding model that the knowledge base uses too."""

import hashlib
import os
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from typing import List

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

MODEL_FILE = Path("onnx") / "model_int8.onnx"
# 500 characters are some 350 tokens; what a customer wants is told in far less, and time grows with the length.
MAX_TOKENS = 256
REMEMBERED_SENTENCES = 4096


class SentenceEncoder:
    """Gives one unit vector per sentence.

    Sentences are encoded one by one in training and in serving alike: the model's dynamic int8 quantisation takes its
    range from the whole batch, so that the same sentence would get a slightly different vector in other company.
    """

    def __init__(self, folder: Path, prefix: str = "") -> None:
        """Load the model in `folder` (`onnx/model_int8.onnx` and `tokenizer.json`); `prefix` goes before each sentence.

        Raises FileNotFoundError where a file is missing.
        """
        for file in (folder / MODEL_FILE, folder / "tokenizer.json"):
            if not file.is_file():
                raise FileNotFoundError(f"embedding model: {file} is missing")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(folder / MODEL_FILE), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._prefix = prefix
        self._remembered: OrderedDict[str, np.ndarray] = OrderedDict()
        self.fingerprint = embedding_fingerprint(folder, prefix)

    def encode(self, sentence: str) -> np.ndarray:
        """The unit vector of `sentence`, shape [dimensions], float32."""
        known = self._remembered.get(sentence)
        if known is not None:
            self._remembered.move_to_end(sentence)
            return known
        vector = self._run(sentence)
        self._remembered[sentence] = vector
        if len(self._remembered) > REMEMBERED_SENTENCES:
            self._remembered.popitem(last=False)
        return vector

    def encode_all(self, sentences: List[str]) -> np.ndarray:
        """The unit vectors of `sentences`, shape [sentences, dimensions], float32."""
        return np.stack([self.encode(sentence) for sentence in sentences])

    def _run(self, sentence: str) -> np.ndarray:
        encoding = self._tokenizer.encode(self._prefix + sentence)
        outputs = self._session.run(
            ["embedding"],
            {
                "input_ids": np.array([encoding.ids], dtype=np.int64),
                "attention_mask": np.array([encoding.attention_mask], dtype=np.int64),
            },
        )
        vector = np.asarray(outputs[0][0], dtype=np.float32)
        if not np.isfinite(vector).all() or not vector.any():
            raise ValueError("embedding model: not a usable vector")
        return vector


def embedding_fingerprint(folder: Path, prefix: str) -> str:
    """SHA-256 over everything that changes a vector: model, tokenizer and prefix."""
    digest = hashlib.sha256(prefix.encode())
    for file in (folder / MODEL_FILE, folder / "tokenizer.json"):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def encoder_from_environment() -> SentenceEncoder:
    """The process's one encoder: folder TELLER_EMBEDDING_MODEL, prefix TELLER_EMBEDDING_PREFIX.

    One for all, so that a second Rasa model (while a new one is swapped in) shares its 40 MB.
    Raises RuntimeError where the folder is not set, FileNotFoundError where it is incomplete.
    """
    folder = os.environ.get("TELLER_EMBEDDING_MODEL", "")
    if not folder:
        raise RuntimeError("TELLER_EMBEDDING_MODEL is not set: it names the folder of the embedding model")
    return SentenceEncoder(Path(folder), os.environ.get("TELLER_EMBEDDING_PREFIX", "query: "))
