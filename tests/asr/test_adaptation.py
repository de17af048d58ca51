"""Building the language part anew: compared before it is used, the one before kept, the old one left when it fails."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from asr import adaptation
from asr.adaptation import Sources, adapt, go_back
from asr.language.phones import PHONES
from asr.model_folder import adapted_models, model_in_use, read_note
from asr.problems import AdaptationFailed, ModelUnusable
from asr.sequences import WordGraph, perplexity
from core.settings import Settings
from tests.asr.test_model_folder import write_model

SOURCES = Sources(["怎么挂失银行卡？", "手机银行转账限额是多少"], words=["龙腾稳盈宝"], dev_texts=["我的卡丢了"])


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = write_model(tmp_path / "base")
    (folder / "graph" / "disambig_tid.int").write_text(f"{2 * len(PHONES) + 1}\n")
    return folder


@pytest.fixture
def adapting(settings: Settings, base: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a model whose graph is "built" by copying, and is compared to be as good."""

    def build(folder: Path, texts: list[str]) -> None:
        shutil.copytree(base / "graph", folder)
        (folder / "texts.json").write_text(json.dumps({Path(text.split("=")[1]).stem: text for text in texts}))

    monkeypatch.setattr(adaptation, "_build_graph", build)
    monkeypatch.setattr(adaptation, "check_loads", lambda folder: None)
    monkeypatch.setattr(adaptation, "_compare", lambda *_: {})
    monkeypatch.setattr("asr.training.texts.GENERATED_SENTENCES", 20)
    return settings.model_copy(update={"asr_model": str(base)})


@pytest.mark.unit
def test_a_new_model_is_used_and_the_one_before_kept(
    adapting: Settings, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = iter(["20260101-000001", "20260101-000002", "20260101-000003"])
    monkeypatch.setattr("asr.adaptation.time.strftime", lambda _: next(names))
    first = adapt(adapting, SOURCES)
    assert (first["switched"], first["previous"]) == (True, "base")
    assert first["sentences"] == {"knowledge": 2, "generated": 20, "transcripts": 0, "words": 8}
    assert model_in_use(adapting).name == "base-20260101-000001"
    adapt(adapting, SOURCES)
    adapt(adapting, SOURCES)
    kept = sorted(path.name for path in adapted_models(adapting).iterdir() if path.is_dir())
    assert kept == ["base-20260101-000002", "base-20260101-000003"]
    assert go_back(adapting)["left"] == "base-20260101-000003"
    assert model_in_use(adapting).name == "base-20260101-000002"
    go_back(adapting)
    assert model_in_use(adapting) == base
    with pytest.raises(AdaptationFailed, match="no adapted model"):
        go_back(adapting)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("comparison", "reason"),
    [
        ({"perplexity": {"old": 50.0, "new": 60.0}}, "perplexity"),
        ({"cer": {"old": 0.05, "new": 0.06}}, "from 5.0% to 6.0%"),
        ({"cer": {"old": 0.05, "new": 0.04}, "perplexity": {"old": 50.0, "new": 60.0}}, ""),
        ({"perplexity": {"old": 50.0, "new": 51.0}}, ""),
    ],
)
def test_a_worse_model_is_not_used(
    comparison: dict[str, Any], reason: str, adapting: Settings, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adaptation, "_compare", lambda *_: comparison)
    found = adapt(adapting, SOURCES)
    assert reason in found["reason"]
    assert found["switched"] == (not reason)
    if reason:
        assert model_in_use(adapting) == base
        assert read_note(adapting) == {}
        assert adapt(adapting, SOURCES, force=True)["switched"]


@pytest.mark.unit
def test_failure_leaves_nothing_behind(adapting: Settings, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(_: Path) -> None:
        raise ModelUnusable("damaged")

    monkeypatch.setattr(adaptation, "check_loads", damaged)
    with pytest.raises(ModelUnusable):
        adapt(adapting, SOURCES)
    assert model_in_use(adapting) == base
    assert not (adapted_models(adapting) / ".draft").exists()


@pytest.mark.unit
def test_no_text_and_foreign_models_are_refused(adapting: Settings, base: Path) -> None:
    with pytest.raises(AdaptationFailed, match="no text"):
        adapt(adapting, Sources([]))
    (base / "graph" / "disambig_tid.int").write_text("317\n")
    with pytest.raises(AdaptationFailed, match="not made by this project"):
        adapt(adapting, SOURCES)


@pytest.mark.unit
def test_two_at_once_are_refused(adapting: Settings) -> None:
    folder = adapted_models(adapting)
    folder.mkdir(parents=True)
    with adaptation._alone(folder), pytest.raises(AdaptationFailed, match="another adaptation"):
        adapt(adapting, SOURCES)


@pytest.mark.unit
def test_a_builder_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(AdaptationFailed, match="no reason given"):
        adaptation._build_graph(tmp_path, [])


@pytest.mark.unit
def test_perplexity_of_a_small_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = write_model(tmp_path / "model")
    (model / "graph" / "words.txt").write_text("<eps> 0\n好 1\n的 2\n")
    # 好 from the start, 的 only by way of the back-off state 1
    printed = "0 2 1 1 0.5\n0 1 0 0 1\n1 3 2 2 0.25\n2 1 0 0 1\n3 0.75\n2 0.5\n"
    done = subprocess.CompletedProcess([], 0, printed, "")
    monkeypatch.setattr("asr.sequences.subprocess.run", lambda *_, **__: done)
    graph = WordGraph.read(model)
    assert graph.cost(["好"]) == pytest.approx(1.0)
    assert graph.cost(["好", "的"]) == pytest.approx(0.5 + 1 + 0.25 + 0.75)
    assert graph.cost(["囧"]) > 20
    assert perplexity(graph, ["好的"]) == pytest.approx(2.718281828 ** (2.5 / 3))


@pytest.mark.integration
def test_the_bank_s_own_words_come_into_the_model(
    settings: Settings, bundled_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not shutil.which("fstconvert"):
        pytest.skip("OpenFst's programs are not installed")
    monkeypatch.setattr("asr.training.texts.GENERATED_SENTENCES", 2000)
    found = adapt(settings, SOURCES, force=True)
    assert found["comparison"]["words"]["new"] < found["comparison"]["words"]["old"] / 2
    assert model_in_use(settings) != bundled_model
