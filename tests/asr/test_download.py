"""Downloads from a server on this machine: verified, unpacked safely, refused in words."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from asr import download
from asr.problems import DownloadFailed, ModelUnusable, UnknownModel

pytestmark = pytest.mark.unit

NAME = "vosk-model-small-cn-0.1"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


@pytest.fixture
def base(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(autouse=True)
def any_model_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "check_loads", lambda folder: None)


def archive(**files: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name, text in (files or {f"{NAME}/am/final.mdl": "x", f"{NAME}/conf/model.conf": "y"}).items():
            file.writestr(name, text)
    return data.getvalue()


def publish(site: Path, data: bytes, **changes: object) -> None:
    (site / f"{NAME}.zip").write_bytes(data)
    row = {"name": NAME, "size": len(data), "md5": hashlib.md5(data).hexdigest(), "lang": "cn"} | changes
    (site / "model-list.json").write_text(json.dumps([row, {"name": "vosk-model-de-0.21", "size": 1, "md5": ""}]))


def test_download(site: Path, base: str, tmp_path: Path) -> None:
    publish(site, archive())
    seen: list[tuple[int, int]] = []
    found = download.download(NAME, base, tmp_path / "models", progress=lambda done, size: seen.append((done, size)))
    assert found == {"model": NAME, "path": str(tmp_path / "models" / NAME), "downloaded": True, "verified": "md5"}
    assert (tmp_path / "models" / NAME / "am" / "final.mdl").read_text() == "x"
    assert seen[-1][0] == seen[-1][1]
    assert [path.name for path in (tmp_path / "models").iterdir()] == [NAME]


def test_second_download_fetches_nothing_unless_forced(site: Path, base: str, tmp_path: Path) -> None:
    publish(site, archive())
    download.download(NAME, base, tmp_path / "models")
    assert not download.download(NAME, "https://127.0.0.1:9", tmp_path / "models")["downloaded"]
    publish(site, archive(**{f"{NAME}/am/final.mdl": "newer"}))
    download.download(NAME, base, tmp_path / "models", force=True)
    assert (tmp_path / "models" / NAME / "am" / "final.mdl").read_text() == "newer"


def test_sha256_is_verified_where_it_is_given(site: Path, base: str, tmp_path: Path) -> None:
    data = archive()
    publish(site, data, md5="")
    digest = hashlib.sha256(data).hexdigest()
    with pytest.raises(DownloadFailed, match="without a checksum"):
        download.download(NAME, base, tmp_path / "models")
    with pytest.raises(DownloadFailed, match="its sha256 is"):
        download.download(NAME, base, tmp_path / "models", sha256="0" * 64)
    assert download.download(NAME, base, tmp_path / "models", sha256=digest.upper())["verified"] == "sha256"


@pytest.mark.parametrize(
    ("changes", "reason"), [({"md5": "0" * 32}, "not what was announced"), ({"size": 5}, "5 were announced")]
)
def test_other_content_is_refused(
    site: Path, base: str, tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    publish(site, archive(), **changes)
    with pytest.raises(DownloadFailed, match=reason):
        download.download(NAME, base, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.parametrize("name", ["../evil.txt", "/tmp/evil.txt", f"{NAME}/../../evil.txt"])
def test_archive_cannot_write_outside(site: Path, base: str, tmp_path: Path, name: str) -> None:
    publish(site, archive(**{name: "x", f"{NAME}/am/final.mdl": "y"}))
    with pytest.raises(DownloadFailed, match="outside"):
        download.download(NAME, base, tmp_path / "models")
    assert not (tmp_path / "evil.txt").exists()


def test_link_in_an_archive_is_refused(site: Path, base: str, tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        link = zipfile.ZipInfo(f"{NAME}/am")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc")
    publish(site, data.getvalue())
    with pytest.raises(DownloadFailed, match="outside"):
        download.download(NAME, base, tmp_path / "models")


def test_limits(site: Path, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(site, archive())
    monkeypatch.setattr(download, "MOST_UNPACKED_BYTES", 1)
    with pytest.raises(DownloadFailed, match="unpacks to more"):
        download.download(NAME, base, tmp_path / "models")
    monkeypatch.setattr(download, "MOST_ARCHIVE_BYTES", 10)
    with pytest.raises(DownloadFailed, match="larger than"):
        download.download(NAME, base, tmp_path / "models")


def test_damaged_archives(site: Path, base: str, tmp_path: Path) -> None:
    publish(site, b"no archive")
    with pytest.raises(DownloadFailed, match="damaged"):
        download.download(NAME, base, tmp_path / "models")
    publish(site, archive(**{"one/a": "x", "two/b": "y"}))
    with pytest.raises(ModelUnusable, match="one model's folder"):
        download.download(NAME, base, tmp_path / "models")


def test_unknown_name_lists_what_there_is(site: Path, base: str, tmp_path: Path) -> None:
    publish(site, archive())
    with pytest.raises(UnknownModel, match=NAME):
        download.download("vosk-model-cn-9", base, tmp_path / "models")
    with pytest.raises(UnknownModel, match="no name of a model"):
        download.download("../models", base, tmp_path / "models")


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"size": 1}]', "<html>"])
def test_list_that_is_none(site: Path, base: str, tmp_path: Path, text: str) -> None:
    (site / "model-list.json").write_text(text)
    with pytest.raises((DownloadFailed, UnknownModel)):
        download.download(NAME, base, tmp_path / "models")


def test_host_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DownloadFailed, match=r"127\.0\.0\.1 cannot be reached.*TELLER_ASR_MODEL"):
        download.download(NAME, "http://127.0.0.1:9", tmp_path / "models")
    monkeypatch.setattr(download, "ANSWER_SECONDS", -0.9)  # the time is up before anything can be said
    with pytest.raises(DownloadFailed, match="cannot be reached"):
        download.download(NAME, "http://127.0.0.1:9", tmp_path / "models")


def test_only_https(tmp_path: Path) -> None:
    for base in ("http://models.example", "ftp://127.0.0.1", "file:///etc"):
        with pytest.raises(DownloadFailed, match="https only"):
            download.download(NAME, base, tmp_path / "models")
