"""The composed graph: made once, used by all, done without where it cannot be made."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from asr import whole_graph
from asr.model_folder import FST_MARK
from asr.whole_graph import made_whole, make_whole
from core.settings import Settings
from tests.asr.test_model_folder import write_model


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write_model(tmp_path / "model")
    (folder / "graph" / "disambig_tid.int").write_text("125\n126\n")
    monkeypatch.setattr(whole_graph, "check_loads", lambda _: None)
    return folder


@pytest.mark.unit
def test_it_is_made_once(settings: Settings, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def run(command: list[str], **_: Any) -> None:
        ran.append(command[0])
        Path(command[-1]).write_bytes(FST_MARK)

    monkeypatch.setattr("asr.whole_graph.subprocess.run", run)
    assert made_whole(settings, model) is None
    whole = make_whole(settings, model)
    assert whole is not None
    assert ran == ["fstcompose", "fstrelabel", "fstconvert"]
    assert sorted(path.name for path in (whole / "graph").iterdir()) == ["HCLG.fst", "words.txt"]
    assert (whole / "am" / "final.mdl").is_file()
    assert made_whole(settings, model) == make_whole(settings, model) == whole
    assert len(ran) == 3
    (model / "conf" / "model.conf").write_text("--other=1\n")
    assert made_whole(settings, model) is None


@pytest.mark.unit
@pytest.mark.parametrize("error", [FileNotFoundError("fstcompose"), subprocess.CalledProcessError(1, [], stderr="bad")])
def test_without_the_programs_the_model_is_used_as_it_is(
    error: Exception, settings: Settings, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("asr.whole_graph.subprocess.run", run)
    assert make_whole(settings, model) is None
    assert made_whole(settings, model) is None


@pytest.mark.unit
def test_a_model_that_has_one_needs_none(settings: Settings, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "fixed", graph="fixed")
    assert make_whole(settings, folder) == folder
