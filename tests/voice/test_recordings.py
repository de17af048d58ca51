import os
from pathlib import Path

import pytest

from app.main import Teller
from core.secrets import ensure_key
from core.settings import Settings
from gateway.turn import Incoming, Speech
from tests.fakes import FakeClock
from voice.problems import RecordingNotFound
from voice.recordings import Recordings
from voice.synthesis.sound import unpacked

pytestmark = pytest.mark.unit

PCM = os.urandom(16000)


@pytest.fixture
async def turn(teller: Teller) -> tuple[str, str]:
    """A conversation with a spoken turn, and its recording."""
    view, _ = await teller.conversations.start("web", False)
    await teller.voice.recordings.keep("r1", view.id, PCM, 8000)
    speech = Speech("r1", "转账限额是多少？", 0.9, "m", {"seconds": 1.0})
    result = await teller.gateway.turns.handle_turn(Incoming(view.id, "i1", "转账限额是多少？", speech=speech))
    assert result.turn
    return view.id, result.turn


def files(settings: Settings) -> list[Path]:
    return [path for path in (settings.data_dir / "recordings").rglob("*") if path.is_file()]


async def test_what_was_kept_can_be_heard(teller: Teller, turn: tuple[str, str]) -> None:
    sound = await teller.voice.recordings.of_turn(*turn)
    assert unpacked(sound.content) == (PCM, 8000)


async def test_on_the_disk_it_is_unreadable_and_the_owner_s_alone(settings: Settings, turn: tuple[str, str]) -> None:
    (path,) = files(settings)
    assert b"fLaC" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    assert (settings.data_dir / "keys" / "recordings.key").stat().st_mode & 0o077 == 0


async def test_a_changed_file_or_another_key_gives_nothing(
    teller: Teller, settings: Settings, turn: tuple[str, str]
) -> None:
    (path,) = files(settings)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(RecordingNotFound):
        await teller.voice.recordings.of_turn(*turn)
    path.write_bytes(content)
    (settings.data_dir / "keys" / "recordings.key").write_text("00" * 32)
    with pytest.raises(RecordingNotFound):
        await Recordings(settings, teller.database).of_turn(*turn)


async def test_a_recording_belongs_to_its_conversation(teller: Teller, turn: tuple[str, str]) -> None:
    other, _ = await teller.conversations.start("web", False)
    with pytest.raises(RecordingNotFound):
        await teller.voice.recordings.of_turn(other.id, turn[1])


async def test_it_is_deleted_when_its_time_is_over(
    teller: Teller, settings: Settings, turn: tuple[str, str], clock: FakeClock
) -> None:
    clock.advance(days=179)
    assert await teller.voice.recordings.delete_expired() == 0
    clock.advance(days=2)
    assert await teller.voice.recordings.delete_expired() == 1
    assert files(settings) == []
    with pytest.raises(RecordingNotFound):
        await teller.voice.recordings.of_turn(*turn)


async def test_the_turn_keeps_the_facts_of_its_speech(teller: Teller, turn: tuple[str, str]) -> None:
    conversation, turn_id = turn
    await teller.conversations.note_heard(conversation, turn_id, "转账", {"voice_endpoint": 700.0})
    (record,) = (await teller.conversations.history(conversation)).turns
    assert (record.audio, record.asr_hypothesis, record.asr_model, record.speech) == (
        "r1", "转账限额是多少？", "m", {"seconds": 1.0},
    )  # fmt: skip
    assert record.heard == "转账"
    assert record.timings_ms["voice_endpoint"] == 700
    assert "understand" in record.timings_ms


async def test_a_spoken_command_takes_no_understanding(teller: Teller, rasa: object) -> None:
    view, _ = await teller.conversations.start("web", False)
    result = await teller.gateway.turns.handle_turn(Incoming(view.id, "i1", "大声点", control="louder"))
    assert (result.control, result.decision, result.reply) == ("louder", "social", ["好的，我大声一点。"])
    assert rasa.calls == []  # type: ignore[attr-defined]


def test_a_key_is_made_once(settings: Settings) -> None:
    assert ensure_key(settings, "a") == ensure_key(settings, "a")
    assert ensure_key(settings, "a") != ensure_key(settings, "b")
    assert len(ensure_key(settings, "a")) == 32
