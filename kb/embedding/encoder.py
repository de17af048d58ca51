"""Texts to unit vectors, with one interface over two runtimes.

The bundled model's folder carries an ONNX copy of itself, which needs a fifth of the processor time and no PyTorch in
memory. Any other sentence-transformers folder or model id (a setting) runs as sentence-transformers runs it.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kb.embedding.unpack import MAX_TOKENS, ONNX_FILE

Vectors = NDArray[np.float32]

MANY = 100  # texts that are encoded on all cores: an index is being built


class Encoder(Protocol):
    model_id: str
    dimension: int

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 [len(texts), dimension]. Safe to call from several threads."""
        ...


def load_encoder(model: str, prefix: str) -> Encoder:
    """The encoder for a model folder or id; `prefix` is put before every text (E5 models want ``query: ``)."""
    folder = Path(model)
    if (folder / ONNX_FILE).exists():
        return OnnxEncoder(folder, prefix)
    return SentenceTransformerEncoder(model, prefix)


class OnnxEncoder:
    def __init__(self, folder: Path, prefix: str) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        self.model_id = f"{folder.name}/onnx-int8"
        self._prefix = prefix
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # several threads collapse when the cores are shared with Rasa
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(folder / ONNX_FILE, options, providers=["CPUExecutionProvider"])
        self.dimension = self.encode(["维"]).shape[1]

    def encode(self, texts: Sequence[str]) -> Vectors:
        # One by one: int8 scales depend on the whole batch, and a text must have one vector, whoever stands beside it.
        if len(texts) < MANY:
            return np.vstack([self._encode_one(text) for text in texts]).astype(np.float32)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return np.vstack([*pool.map(self._encode_one, texts)]).astype(np.float32)

    def _encode_one(self, text: str) -> Any:
        tokens = self._tokenizer.encode(self._prefix + text)
        inputs = {
            "input_ids": np.array([tokens.ids], np.int64),
            "attention_mask": np.array([tokens.attention_mask], np.int64),
        }
        return self._session.run(None, inputs)[0]


class SentenceTransformerEncoder:
    def __init__(self, model: str, prefix: str) -> None:
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(1)
        self.model_id = Path(model).name
        self._prefix = prefix
        self._model = SentenceTransformer(model, device="cpu", model_kwargs={"dtype": torch.float32})
        self.dimension = int(self._model.get_embedding_dimension() or 0)

    def encode(self, texts: Sequence[str]) -> Vectors:
        prefixed = [self._prefix + text for text in texts]
        vectors = self._model.encode(prefixed, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)
