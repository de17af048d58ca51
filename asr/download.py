"""Fetch a published Vosk model: its list first, then the archive; verified, and unpacked without leaving its folder."""

import hashlib
import json
import re
import shutil
import stat
import tempfile
import threading
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

from asr.model_folder import check_loads
from asr.problems import DownloadFailed, ModelUnusable, UnknownModel

ANSWER_SECONDS = 10.0
MOST_LIST_BYTES = 2_000_000
MOST_ARCHIVE_BYTES = 4_000_000_000
MOST_UNPACKED_BYTES = 12_000_000_000
CHUNK = 1 << 20
LANGUAGE = "cn"  # of the names that are suggested

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Published:
    """A row of the publisher's model-list.json."""

    name: str
    url: str
    size: int
    md5: str

    @classmethod
    def of(cls, row: dict[str, Any], base: str) -> "Published":
        name = str(row["name"])
        return cls(name, f"{base}/{name}.zip", int(row.get("size") or 0), str(row.get("md5") or "").lower())


def download(
    name: str, base: str, folder: Path, sha256: str = "", force: bool = False, progress: Progress | None = None
) -> dict[str, Any]:
    """Put the published model `name` into `folder`/`name`: {"model", "path", "downloaded", "verified"}.

    Raises DownloadFailed, UnknownModel or ModelUnusable; nothing is left behind then.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise UnknownModel(f"{name[:100]!r} is no name of a model")
    target = folder / name
    if target.is_dir() and not force:
        return {"model": name, "path": str(target), "downloaded": False, "verified": ""}
    _check_address(base)
    published = _find(name, base.rstrip("/"))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as scratch:
        archive = Path(scratch, "model.zip")
        verified = _fetch(published, archive, sha256.lower(), progress)
        model = _unpack(archive, Path(scratch, "unpacked"))
        check_loads(model)
        shutil.rmtree(target, ignore_errors=True)
        model.rename(target)
    return {"model": name, "path": str(target), "downloaded": True, "verified": verified}


def _check_address(url: str) -> None:
    parts = urllib.parse.urlsplit(url)
    is_local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if parts.scheme != "https" and not (is_local and parts.scheme == "http"):
        raise DownloadFailed(f"models are fetched over https only, not from {parts.scheme}://{parts.hostname}")


def _find(name: str, base: str) -> Published:
    try:
        with _open(f"{base}/model-list.json") as response:
            rows = json.loads(response.read(MOST_LIST_BYTES))
        models = {str(row["name"]): Published.of(row, base) for row in rows}
    except (ValueError, TypeError, KeyError):
        raise DownloadFailed(f"{base} has no list of models that can be read") from None
    if name not in models:
        known = ", ".join(sorted(other for other in models if f"-{LANGUAGE}-" in other)) or "none for Chinese"
        raise UnknownModel(f"{name} is not published there; there are: {known}")
    return models[name]


def _open(url: str) -> HTTPResponse:
    """Open `url` within ANSWER_SECONDS, the look-up of its host's name included."""
    opened: list[HTTPResponse] = []
    failed: list[Exception] = []

    def ask() -> None:
        try:
            opened.append(urllib.request.urlopen(url, timeout=ANSWER_SECONDS))  # noqa: S310 (see _check_address)
        except Exception as error:
            failed.append(error)

    # In a thread that nobody waits for: a name server that does not answer holds urlopen beyond its time-out.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(ANSWER_SECONDS + 1)
    host = urllib.parse.urlsplit(url).hostname
    if not opened:
        reason = getattr(failed[0], "reason", failed[0]) if failed else f"no answer within {ANSWER_SECONDS:.0f} s"
        raise DownloadFailed(
            f"{host} cannot be reached ({reason}); on a machine that reaches it fetch the archive, unpack it and set "
            "TELLER_ASR_MODEL to the folder"
        )
    _check_address(opened[0].geturl())
    return opened[0]


def _fetch(published: Published, archive: Path, sha256: str, progress: Progress | None) -> str:
    """Write the archive and verify it; gives what it was verified by."""
    digests = {"sha256": hashlib.sha256(), "md5": hashlib.md5(usedforsecurity=False)}
    done = 0
    try:
        with _open(published.url) as response, archive.open("wb") as file:
            while chunk := response.read(CHUNK):
                done += len(chunk)
                if done > MOST_ARCHIVE_BYTES:
                    raise DownloadFailed(f"{published.url} is larger than {MOST_ARCHIVE_BYTES / 1e9:.0f} GB")
                file.write(chunk)
                for digest in digests.values():
                    digest.update(chunk)
                if progress:
                    progress(done, published.size)
    except OSError as error:
        raise DownloadFailed(f"the download of {published.url} broke off: {error}") from None
    return _verified(published, done, {name: digest.hexdigest() for name, digest in digests.items()}, sha256)


def _verified(published: Published, size: int, found: dict[str, str], sha256: str) -> str:
    if published.size and published.size != size:
        raise DownloadFailed(f"{published.name} has {size} bytes, {published.size} were announced")
    for name, wanted in (("sha256", sha256), ("md5", published.md5)):
        if wanted and found[name] != wanted:
            raise DownloadFailed(f"{published.name} is not what was announced: its {name} is {found[name]}")
        if wanted:
            return name
    raise DownloadFailed(f"{published.name} is listed without a checksum; give one with --sha256")


def _unpack(archive: Path, folder: Path) -> Path:
    """Unpack the one folder of the archive. Raises DownloadFailed for whatever would leave `folder`."""
    try:
        with zipfile.ZipFile(archive) as file:
            entries = file.infolist()
            if sum(entry.file_size for entry in entries) > MOST_UNPACKED_BYTES:
                raise DownloadFailed(f"the archive unpacks to more than {MOST_UNPACKED_BYTES / 1e9:.0f} GB")
            for entry in entries:
                _check_entry(entry, folder)
            file.extractall(folder)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise DownloadFailed(f"the archive is damaged: {error}") from None
    inside = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    if len(inside) != 1:
        raise ModelUnusable("the archive does not hold one model's folder")
    return inside[0]


def _check_entry(entry: zipfile.ZipInfo, folder: Path) -> None:
    target = (folder / entry.filename).resolve()
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if not target.is_relative_to(folder.resolve()) or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise DownloadFailed(f"the archive would write outside its folder: {entry.filename[:100]}")
