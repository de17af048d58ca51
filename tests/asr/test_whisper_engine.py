"""Whisper behind the common interface, with a stand-in for its package."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from asr.commands import open_engine
from asr.problems import AudioTooLong, EngineMissing, ModelUnusable
from asr.second_opinion import second_opinion
from asr.whisper_engine import WhisperTranscriber
from core.settings import Settings

pytestmark = pytest.mark.unit


def segment(text: str, no_speech: float = 0.0, log_probability: float = -0.1) -> SimpleNamespace:
    words = [SimpleNamespace(word=sign, start=0.0, end=0.2, probability=0.9) for sign in text]
    return SimpleNamespace(
        text=text, start=0.0, end=1.0, words=words, no_speech_prob=no_speech, avg_logprob=log_probability
    )


class StandIn:
    segments = [segment("尾号八八四二，谢谢。"), segment("感谢观看", 0.9, -2.0)]
    heard: list[int] = []

    def __init__(self, folder: str, **_: Any) -> None:
        assert Path(folder).is_dir()

    def transcribe(self, samples: Any, **options: Any) -> tuple[Any, None]:
        assert options["language"] == "zh"
        self.heard.append(len(samples))
        return iter(self.segments), None


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = ModuleType("faster_whisper")
    package.WhisperModel = StandIn  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "faster_whisper", package)
    monkeypatch.setattr(StandIn, "heard", [])
    (tmp_path / "model.bin").touch()
    return tmp_path


async def test_a_session_hears_when_it_ends(folder: Path) -> None:
    session = WhisperTranscriber(folder).session(8000)
    assert await session.accept(bytes(8000)) is None
    await session.accept(bytes(8001))
    heard = await session.finish()
    assert StandIn.heard == [16000]
    assert (heard.text, heard.spoken) == ("尾号8842谢谢", "尾号八八四二谢谢")
    assert heard.model == f"whisper-{folder.name}"
    assert heard.confidence == pytest.approx(0.905, abs=0.01)
    assert "".join(word.text for word in heard.words) == heard.spoken
    await session.finish()
    assert StandIn.heard[-1] == 0


async def test_sentences_that_it_invents_on_silence_are_dropped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StandIn, "segments", [segment("感谢观看", 0.9, -2.0)])
    assert (await WhisperTranscriber(folder).transcribe(bytes(3200), 16000)).is_empty


async def test_second_opinion(folder: Path) -> None:
    opinion = await second_opinion(WhisperTranscriber(folder), bytes(3200), 16000, heard="尾号8843谢谢")
    assert (opinion.text, opinion.disagreement) == ("尾号8842谢谢", pytest.approx(1 / 8))


async def test_endless_utterance(folder: Path) -> None:
    session = WhisperTranscriber(folder).session(8000)
    with pytest.raises(AudioTooLong):
        await session.accept(bytes(601 * 16000))


def test_absent_package_or_model(
    settings: Settings, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = settings.model_copy(update={"asr_engine": "whisper"})
    with pytest.raises(ModelUnusable, match="TELLER_WHISPER_MODEL"):
        open_engine(wanted)
    with pytest.raises(ModelUnusable, match="no Whisper model"):
        open_engine(wanted.model_copy(update={"whisper_model": "/nowhere"}))
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(EngineMissing, match="not installed"):
        open_engine(wanted.model_copy(update={"whisper_model": str(folder)}))
