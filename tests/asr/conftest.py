"""A model for those tests that hear: the bundled one, or the one that TELLER_TEST_SPEECH_MODEL names."""

import os
from pathlib import Path

import pytest

from asr.model_folder import BUNDLED_MODEL, BUNDLED_MODELS
from asr.whole_graph import make_whole
from core.settings import Settings

RECORDINGS = Path(__file__).parent / "recordings"
NAMED_MODEL = os.environ.get("TELLER_TEST_SPEECH_MODEL", "")


@pytest.fixture(scope="session")
def speech_model() -> Path:
    folder = Path(NAMED_MODEL) if NAMED_MODEL else BUNDLED_MODELS / BUNDLED_MODEL
    if not folder.is_dir():
        pytest.skip("there is no bundled speech model")
    return folder


@pytest.fixture(scope="session")
def composed(speech_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which the model's graph has been composed; None where the programs are missing."""
    folder = tmp_path_factory.mktemp("composed")
    make_whole(Settings(data_dir=folder, _env_file=None), speech_model)  # type: ignore[call-arg]
    return folder / "models" / "asr-whole"


@pytest.fixture
def speaking(settings: Settings, speech_model: Path, composed: Path) -> Settings:
    """Settings of that model, in a data folder that has its graph."""
    (settings.data_dir / "models").mkdir(exist_ok=True)
    (settings.data_dir / "models" / "asr-whole").symlink_to(composed)
    return settings.model_copy(update={"asr_model": str(speech_model)})


@pytest.fixture
def bundled_model(speech_model: Path) -> Path:
    """For tests of what is heard: another model may hear otherwise."""
    if NAMED_MODEL:
        pytest.skip("what another model hears is not known")
    return speech_model
