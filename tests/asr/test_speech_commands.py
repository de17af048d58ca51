"""`teller asr …`"""

import json
from pathlib import Path
from typing import Any

import pytest

import asr.commands
from app.cli.errors import run
from asr.problems import ModelUnusable
from core.settings import Settings
from tests.asr.conftest import RECORDINGS
from tests.asr.fake_engine import FakeTranscriber

pytestmark = pytest.mark.unit


@pytest.fixture
def commanded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr("app.cli.rooms.load_settings", lambda: settings)
    monkeypatch.setattr("asr.commands.open_engine", lambda _: FakeTranscriber())
    return settings


def teller(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any, str]:
    code = run(["asr", *arguments, "--json"])
    printed = capsys.readouterr()
    return code, json.loads(printed.out) if printed.out else None, printed.err


def test_transcribe(commanded: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, rows, _ = teller(capsys, "transcribe", str(RECORDINGS / "balance.ogg"))
    assert code == 0
    assert set(rows[0]) == {"path", "seconds", "text", "spoken", "confidence", "words", "model"}
    empty = tmp_path / "empty.wav"
    empty.touch()
    code, rows, _ = teller(capsys, "transcribe", str(RECORDINGS / "balance.ogg"), str(empty))
    assert code == 1
    assert rows[1]["error"]["code"] == "audio_unusable"
    code, rows, told = teller(capsys, "transcribe", str(empty))
    assert (code, rows) == (1, None)
    assert json.loads(told) == {"code": "audio_unusable", "detail": "empty.wav: the file is empty"}


def test_eval(commanded: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    errors, page = tmp_path / "errors.jsonl", tmp_path / "report.html"
    arguments = ["eval", str(RECORDINGS / "manifest.tsv"), "--errors", str(errors), "--report", str(page)]
    code, found, _ = teller(capsys, *arguments)
    assert code == 0
    assert (found["n"], found["cer"]) == (5, 1.0)
    assert set(found["by"]) == {"voice", "length"}
    assert len(errors.read_text().splitlines()) == 5
    assert page.read_text().startswith("<!doctype html>")
    assert run(["asr", *arguments]) == 0


def test_missing_model(
    commanded: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_: Settings) -> None:
        raise ModelUnusable("there is no speech model at /x")

    monkeypatch.setattr(asr.commands, "open_engine", none)
    code, _, told = teller(capsys, "transcribe", str(RECORDINGS / "balance.ogg"))
    assert code == 1
    assert json.loads(told)["code"] == "speech_model_unusable"


def test_status_of_a_missing_model(commanded: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    commanded.asr_model = "/nowhere"
    code, found, _ = teller(capsys, "status")
    assert code == 1
    assert (found["ok"], found["model"]) == (False, None)
    assert "no speech model at /nowhere" in found["fault"]


def test_adapt_learns_from_the_database_and_the_files(
    commanded: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []

    def adapt(_: Settings, sources: Any, force: bool) -> dict[str, Any]:
        given.append((sources, force))
        return {"switched": False, "reason": "worse"}

    monkeypatch.setattr(asr.commands, "adapt_language", adapt)
    (tmp_path / "a.tsv").write_text("a.wav\t我要挂失\n")
    words = tmp_path / "words.txt"
    words.write_text("龙腾宝\n\n城东支行\n")
    code, found, _ = teller(capsys, "adapt", "--transcripts", str(tmp_path), "--words", str(words))
    assert (code, found["reason"]) == (1, "worse")
    ((sources, force),) = given
    assert (sources.words, force) == (["龙腾宝", "城东支行"], False)
    assert "我要挂失" in sources.transcripts
    assert sources.knowledge
    assert sources.dev_texts


def test_download(commanded: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    commanded.asr_download_url = "http://127.0.0.1:9"
    code, _, told = teller(capsys, "download", "vosk-model-small-cn-0.22")
    assert code == 1
    assert json.loads(told)["code"] == "speech_model_download_failed"
