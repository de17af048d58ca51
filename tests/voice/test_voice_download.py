"""Fetching the voices: what is there is not fetched, what is wrong is not kept, what fails stops nobody."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from voice.synthesis import download

pytestmark = pytest.mark.unit


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would have been run; each writes a file that is not the pinned one."""
    ran: list[list[str]] = []

    def run(command: list[str], cwd: Path | None = None, **_options: Any) -> None:
        ran.append(command)
        folder = Path(command[command.index("-d") + 1])
        name, _, version = command[-1].partition("==")
        (folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl").write_bytes(b"something else")

    monkeypatch.setattr(subprocess, "run", run)
    return ran


def test_what_is_there_is_not_fetched(tmp_path: Path, commands: list[list[str]]) -> None:
    (tmp_path / "symbols.json").write_text("{}")
    download.fetch(tmp_path)
    assert commands == []


def test_another_file_than_the_pinned_one_is_refused_and_fetched_anew(
    tmp_path: Path, commands: list[list[str]]
) -> None:
    for _ in range(2):
        with pytest.raises(download.DownloadFailed, match="SHA-256"):
            download.fetch(tmp_path)
    assert len(commands) == 2
    assert not download.is_there(tmp_path)


def test_a_registry_that_does_not_answer_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(command: list[str], **_options: Any) -> None:
        raise subprocess.CalledProcessError(1, command, stderr="warning\nERROR: No matching distribution found")

    monkeypatch.setattr(subprocess, "run", fail)
    monkeypatch.setattr("sys.argv", ["download", str(tmp_path)])
    assert download.main() == 1
    assert "No matching distribution found); espeak-ng speaks instead" in capsys.readouterr().out
