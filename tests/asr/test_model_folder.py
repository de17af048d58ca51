"""Which model is in use, and models that are missing or damaged."""

import shutil
from pathlib import Path

import pytest

from asr.model_folder import (
    BUNDLED_MODEL,
    BUNDLED_MODELS,
    FST_MARK,
    adapted_models,
    check_files,
    check_loads,
    configured_model,
    downloaded_models,
    has_grammars,
    model_in_use,
    model_version,
    write_note,
)
from asr.problems import ModelUnusable
from core.settings import Settings


def write_model(folder: Path, graph: str = "look-ahead") -> Path:
    for name in ("am", "conf", "graph"):
        (folder / name).mkdir(parents=True)
    (folder / "am" / "final.mdl").write_bytes(b"\0B<TransitionModel> ")
    for name in ("mfcc.conf", "model.conf"):
        (folder / "conf" / name).write_text("--x=1\n")
    for name in ("HCLr.fst", "Gr.fst") if graph == "look-ahead" else ("HCLG.fst",):
        (folder / "graph" / name).write_bytes(FST_MARK + b"rest")
    (folder / "graph" / "words.txt").write_text("<eps> 0\n好 1\n")
    return folder


@pytest.mark.unit
def test_bundled_model_is_the_default(settings: Settings) -> None:
    assert configured_model(settings) == BUNDLED_MODELS / BUNDLED_MODEL


@pytest.mark.unit
def test_setting_names_a_folder_or_a_downloaded_model(settings: Settings, tmp_path: Path) -> None:
    named = settings.model_copy(update={"asr_model": str(tmp_path)})
    assert configured_model(named) == tmp_path
    downloaded = downloaded_models(settings) / "vosk-model-small-cn-0.22"
    downloaded.mkdir(parents=True)
    assert configured_model(settings.model_copy(update={"asr_model": downloaded.name})) == downloaded


@pytest.mark.unit
def test_adapted_model_is_used_while_it_fits(settings: Settings, tmp_path: Path) -> None:
    base = write_model(tmp_path / "base")
    settings = settings.model_copy(update={"asr_model": str(base)})
    adapted = write_model(adapted_models(settings) / "base-1")
    assert model_in_use(settings) == base
    write_note(settings, {"model": "base-1", "base": model_version(base)})
    assert model_in_use(settings) == adapted
    (base / "conf" / "model.conf").write_text("--x=2\n")  # the bank has taken another model
    assert model_in_use(settings) == base


@pytest.mark.unit
def test_version_follows_the_content_not_the_place(tmp_path: Path) -> None:
    first, second = write_model(tmp_path / "a" / "model"), write_model(tmp_path / "b" / "model")
    assert model_version(first) == model_version(second)
    assert model_version(first).startswith("model@")
    (second / "am" / "final.mdl").write_bytes(b"\0Bother")
    assert model_version(first) != model_version(second)


@pytest.mark.unit
def test_whole_models(tmp_path: Path) -> None:
    check_files(write_model(tmp_path / "a"))
    check_files(write_model(tmp_path / "b", graph="fixed"))
    assert has_grammars(tmp_path / "a")
    assert not has_grammars(tmp_path / "b")


@pytest.mark.unit
@pytest.mark.parametrize("name", ["am/final.mdl", "conf/mfcc.conf", "conf/model.conf", "graph/Gr.fst", "graph"])
def test_missing_parts_are_named(name: str, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    path = folder / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(ModelUnusable, match="incomplete"):
        check_files(folder)


@pytest.mark.unit
def test_no_folder() -> None:
    with pytest.raises(ModelUnusable, match="TELLER_ASR_MODEL"):
        check_files(Path("/nowhere"))


@pytest.mark.unit
@pytest.mark.parametrize("name", ["am/final.mdl", "graph/HCLr.fst"])
def test_pointer_or_text_in_place_of_a_file_is_seen(name: str, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    (folder / name).write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ModelUnusable, match="damaged"):
        check_files(folder)


@pytest.mark.integration
@pytest.mark.parametrize(
    "name", ["am/final.mdl", "graph/HCLr.fst", "graph/Gr.fst", "conf/model.conf", "graph/words.txt"]
)
def test_cut_off_file_does_not_end_this_process(name: str, speech_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(speech_model, folder)
    path = folder / name
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] if not name.endswith((".conf", ".txt")) else b"--nonsense=1\n\xff\n")
    with pytest.raises(ModelUnusable, match="cannot be loaded"):
        check_loads(folder)


@pytest.mark.integration
def test_whole_model_loads(speech_model: Path) -> None:
    check_loads(speech_model)
