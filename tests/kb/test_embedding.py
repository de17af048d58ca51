"""The bundled model: pinned files, its format, and two runtimes that agree."""

import hashlib
import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kb.embedding import unpack as unpack_module
from kb.embedding.e5_archive import E5FormatError, dequantise, read_e5s1
from kb.embedding.encoder import OnnxEncoder, SentenceTransformerEncoder, load_encoder
from kb.embedding.unpack import ARCHIVE, TOKENIZER

PREFIX = "query: "
SENTENCES = [
    "卡丢了", "银行卡丢了怎么办", "我想提前还房贷", "信用卡年费怎么收", "今天美元汇率是多少", "手机银行登不上去",
    "转账转错人了能追回来吗", "我爸手里是一本老存折没有卡，他想知道现在本息一共多少，是不是只能去网点，有没有别的法子",
    "俺想问问这个卡咋办", "点样取消户口", "ATM吞卡了", "U盾过期", "公司开户要带什么资料", "存款证明",
    "怎么查讯账户余鹅", "人工", "你好呀", "明天会不会下雨", "how do I open an account", "50000元定期三年利息多少？",
]  # fmt: skip


@pytest.mark.unit
@pytest.mark.parametrize(
    ("path", "sha256"),
    [
        (ARCHIVE, "0c14817664cf3361ad70a8175cc2848f1213f892c07998b457a07512cdf7b14c"),
        (TOKENIZER, "485c6b9bdd12e3bed509ad9a6d4bbc5105093c9447be59be3b6225fa64424253"),
    ],
)
def test_the_committed_model_is_the_one_that_was_measured(path: Path, sha256: str) -> None:
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    assert path.stat().st_size < 40_000_000


def block(scale: float, nibbles: list[int]) -> bytes:
    low_and_high = (nibbles[i] | nibbles[i + 16] << 4 for i in range(16))
    return struct.pack("<e16B", scale, *low_and_high)


@pytest.mark.unit
def test_four_bit_blocks_become_floats() -> None:
    nibbles = [*range(16), *range(15, -1, -1)]
    data = np.frombuffer(block(0.5, nibbles) + block(-2, [8] * 31 + [0]), np.uint8)
    matrix = dequantise(data, 64)
    assert matrix.shape == (1, 64)
    assert matrix[0, :32].tolist() == [(nibble - 8) * 0.5 for nibble in nibbles]
    assert matrix[0, 32:].tolist() == [0] * 31 + [16]
    assert dequantise(data, 32).shape == (2, 32)


def e5s1(magic: bytes = b"E5S1") -> bytes:
    """A whole file of that format with two pieces and one tensor of each kind."""
    pieces = [b"<s>", "▁卡".encode()]
    head = magic + struct.pack("<I7if i", 1, 32, 1, 1, 64, 2, 8, 2, 1e-12, 32)
    offsets = [0, len(pieces[0]), len(pieces[0]) + len(pieces[1])]
    vocabulary = struct.pack("<5iQ3I2f", 2, 0, 0, 1, 3, offsets[-1], *offsets, -1.5, -2.5) + b"".join(pieces)
    normaliser = struct.pack("<iI", 1, 9) + bytes(9)
    tensors = {"emb.word": (1, 64, block(1, [8] * 32) * 2), "emb.ln.w": (0, 2, struct.pack("<2f", 1, 2))}
    directory_size = 4 + sum(2 + len(name) + 1 + 4 + 8 + 8 for name in tensors)
    position = len(head + vocabulary + normaliser) + directory_size
    directory = struct.pack("<i", len(tensors))
    for name, (dtype, count, data) in tensors.items():
        directory += (
            struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", dtype, count, position, len(data))
        )
        position += len(data)
    return head + vocabulary + normaliser + directory + b"".join(data for _, _, data in tensors.values())


@pytest.mark.unit
def test_the_upstream_format_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(e5s1())
    model = read_e5s1(path)
    assert (model.dimensions.hidden, model.dimensions.vocabulary, model.dimensions.token_types) == (32, 2, 2)
    assert model.pieces == ["<s>", "▁卡"]
    assert model.scores.tolist() == [-1.5, -2.5]
    assert np.frombuffer(model.tensors["emb.ln.w"].data, "<f4").tolist() == [1, 2]
    assert len(model.tensors["emb.word"].data) == 36


@pytest.mark.unit
@pytest.mark.parametrize("kept", [0, 3, 4, 30, 60, 100, 110, 140, 170, len(e5s1()) - 1])
def test_a_truncated_model_is_refused(kept: int, tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(e5s1()[:kept])
    with pytest.raises(E5FormatError):
        read_e5s1(path)


@pytest.mark.unit
def test_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(e5s1(b"GGUF"))
    with pytest.raises(E5FormatError, match="not an E5S1 model"):
        read_e5s1(path)


@pytest.mark.unit
def test_an_unpacking_that_breaks_off_leaves_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "mark").touch()

    def breaks(_folder: Path) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(unpack_module, "_export_onnx", breaks)
    with pytest.raises(OSError, match="no space"):
        unpack_module.unpack(folder)
    assert (folder / "mark").exists()


@pytest.fixture(scope="module")
def onnx(model_folder: Path) -> OnnxEncoder:
    encoder = load_encoder(str(model_folder), PREFIX)
    assert isinstance(encoder, OnnxEncoder)
    return encoder


@pytest.mark.integration
def test_the_folder_has_what_each_runtime_needs(model_folder: Path) -> None:
    names = {path.relative_to(model_folder).as_posix() for path in model_folder.rglob("*") if path.is_file()}
    assert {"config.json", "model.safetensors", "modules.json", "tokenizer.json", "onnx/model_int8.onnx"} <= names
    assert "onnx/model.onnx" not in names
    for name in names:
        if name.endswith(".json"):
            json.loads((model_folder / name).read_text(encoding="utf-8"))


@pytest.mark.integration
def test_vectors_are_unit_and_the_same_whoever_stands_beside(onnx: OnnxEncoder) -> None:
    vectors = onnx.encode(SENTENCES)
    assert vectors.shape == (len(SENTENCES), onnx.dimension) == (20, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-3)
    for i in (0, 7, 19):
        assert np.array_equal(onnx.encode([SENTENCES[i]])[0], vectors[i])


@pytest.mark.integration
@pytest.mark.parametrize("text", ["", " ", "💳" * 50, "卡" * 5000, "\x00\x07", "\u202e", "a" * 5000, "𠮷"])
def test_any_text_has_a_vector(text: str, onnx: OnnxEncoder) -> None:
    assert np.linalg.norm(onnx.encode([text])[0]) == pytest.approx(1, abs=1e-3)


@pytest.mark.integration
def test_the_fast_copy_gives_the_vectors_of_sentence_transformers(onnx: OnnxEncoder, model_folder: Path) -> None:
    from sentence_transformers import SentenceTransformer

    plain = SentenceTransformer(str(model_folder), device="cpu")
    theirs = plain.encode([PREFIX + text for text in SENTENCES], normalize_embeddings=True, show_progress_bar=False)
    cosines = (onnx.encode(SENTENCES) * np.asarray(theirs, np.float32)).sum(axis=1)
    assert cosines.min() >= 0.98, dict(zip(SENTENCES, cosines.round(3).tolist(), strict=True))
    assert cosines.mean() >= 0.985


@pytest.mark.integration
def test_a_folder_without_the_fast_copy_runs_as_sentence_transformers_runs_it(
    model_folder: Path, onnx: OnnxEncoder, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    for entry in model_folder.iterdir():
        if entry.name != "onnx":
            (plain / entry.name).symlink_to(entry)
    encoder = load_encoder(str(plain), PREFIX)
    assert isinstance(encoder, SentenceTransformerEncoder)
    assert (encoder.model_id, encoder.dimension) == ("plain", 384)
    vectors = encoder.encode(SENTENCES[:3])
    assert vectors.dtype == np.float32
    assert (vectors * onnx.encode(SENTENCES[:3])).sum(axis=1).min() >= 0.98


@pytest.mark.integration
def test_likeness_of_meaning_is_told_from_likeness_of_nothing(onnx: OnnxEncoder) -> None:
    near: Callable[[str, str], float] = lambda one, other: float(np.dot(*onnx.encode([one, other])))  # noqa: E731
    assert near("银行卡丢了怎么办", "卡不见了") > near("银行卡丢了怎么办", "明天会不会下雨") + 0.03
