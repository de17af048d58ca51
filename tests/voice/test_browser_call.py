"""`WS /ws/voice` on a real port, with fakes of what hears, speaks and understands."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import soundfile
import websockets
from sqlalchemy import select

from accounts.models import AuditEntry
from accounts.roles import Role
from app.main import Teller, bootstrap
from conversations.schemas import TurnRecord
from core.settings import Settings
from tests.fakes import FakeClock, FakeKnowledge, FakeRasa
from tests.serving import PATIENCE, PLAIN, Customer, Tab, visit
from tests.staff import Staff
from tests.voice.fakes import ActivityByLoudness, FakeSynthesiser, FakeTranscriber
from voice import wording
from voice.channels import browser
from voice.service import Parts

pytestmark = pytest.mark.unit

QUESTION = "转账限额是多少？"
ANSWER = "转账限额是多少？请到柜台办理。"
LOUD, QUIET = b"\x00\x10" * 1600, bytes(3200)  # a tenth of a second each


class Speaker(Tab):
    """A page in a call: keeps sound and frames, and plays at once whatever comes."""

    def __init__(self, socket: Any) -> None:
        super().__init__(socket)
        self.sound = 0

    async def receive(self) -> dict[str, Any]:
        while True:
            frame = await asyncio.wait_for(self.socket.recv(), PATIENCE)
            if isinstance(frame, bytes):
                self.sound += len(frame)
                await self.send(type="played", seconds=self.sound / 2 / 16000)
            else:
                content: dict[str, Any] = json.loads(frame)
                self.frames.append(content)
                if content["type"] == "flush":
                    self.sound = round(content["position"] * 2 * 16000)
                return content

    async def speak(self, loud: int = 5, quiet: int = 9) -> None:
        for sound in [LOUD] * loud + [QUIET] * quiet:
            await self.socket.send(sound)


@pytest.fixture
def ears() -> FakeTranscriber:
    return FakeTranscriber(QUESTION)


@pytest.fixture
def mouth() -> FakeSynthesiser:
    return FakeSynthesiser(0.02)


@pytest.fixture
async def teller(
    settings: Settings, rasa: FakeRasa, knowledge: FakeKnowledge, clock: FakeClock, ears: FakeTranscriber,
    mouth: FakeSynthesiser,
) -> AsyncIterator[Teller]:  # fmt: skip
    teller = bootstrap(settings, rasa, knowledge, clock, Parts(ears, mouth, ActivityByLoudness))
    yield teller
    teller.database.close()


@asynccontextmanager
async def line(address: str, **hello: Any) -> AsyncIterator[Speaker]:
    async with websockets.connect(f"ws://{address}/ws/voice", **PLAIN) as socket:
        speaker = Speaker(socket)
        await speaker.send(type="hello", **hello)
        yield speaker


@asynccontextmanager
async def call(address: str) -> AsyncIterator[tuple[Customer, Speaker]]:
    async with visit(address) as customer, line(address, mode="call", token=customer.token) as speaker:
        await speaker.until("ready", mode="call", session=customer.session)
        await speaker.until("state", state="listening", heard=wording.GREETING)
        yield customer, speaker


async def turns(teller: Teller, session: str) -> list[TurnRecord]:
    return (await teller.conversations.history(session)).turns


class TestCall:
    async def test_a_spoken_question_is_answered_aloud_in_the_same_conversation(self, address: str) -> None:
        async with call(address) as (customer, speaker):
            await speaker.speak()
            assert (await speaker.until("final"))["text"] == QUESTION
            assert (await speaker.until("caption"))["text"] == ANSWER
            assert (await speaker.until("state", state="listening"))["heard"] == ANSWER
            assert (await customer.message("customer"))["text"] == QUESTION

    async def test_partial_captions_come_while_it_is_spoken(self, address: str) -> None:
        async with call(address) as (_, speaker):
            await speaker.speak(quiet=0)
            assert (await speaker.until("partial"))["text"] == QUESTION[:4]

    async def test_the_turn_keeps_how_it_was_heard_and_what_was_heard(self, address: str, teller: Teller) -> None:
        async with call(address) as (customer, speaker):
            await speaker.speak()
            await speaker.until("timing")
            await speaker.until("state", state="listening")
            await speaker.send(type="hangup")
            await speaker.until("ended", reason="caller")
            (turn,) = await turns(teller, customer.session)
        assert (turn.asr_hypothesis, turn.asr_confidence, turn.asr_model) == (QUESTION, 0.9, "fake-asr@1")
        assert turn.heard == ANSWER
        assert turn.timings_ms["voice_endpoint"] == pytest.approx(700, abs=110)
        assert turn.speech["rate"] == 16000

    async def test_the_recording_can_be_heard_by_staff_and_that_is_audited(
        self, address: str, teller: Teller, staff: Staff
    ) -> None:
        async with call(address) as (customer, speaker):
            await speaker.speak()
            await speaker.until("timing")
            await speaker.send(type="hangup")
            await speaker.until("ended")
            (turn,) = await turns(teller, customer.session)
        path = f"/api/v1/conversations/{customer.session}/turns/{turn.id}/audio"
        async with staff.browser() as stranger:
            assert (await stranger.get(path)).status_code == 401
        async with staff.browser(await staff.hire("editor", Role.KB_MANAGER)) as editor:
            assert (await editor.get(path)).status_code == 403
        async with staff.browser(await staff.hire("trainer", Role.TRAINER)) as trainer:
            answer = await trainer.get(path)
            assert (await trainer.get(path.replace(turn.id, "nothing"))).status_code == 404
        entries = await teller.database.read(
            lambda session: session.scalars(select(AuditEntry).where(AuditEntry.action == "listen_recording")).all()
        )
        assert [(entry.subject, entry.detail["turn"]) for entry in entries] == [(turn.audio, turn.id)]
        samples, rate = soundfile.read(io.BytesIO(answer.content))
        assert (answer.headers["content-type"], rate) == ("audio/flac", 16000)
        assert len(samples) / rate == pytest.approx(0.5 + 0.4 + 0.7, abs=0.25)

    async def test_a_person_is_one_press_away(self, address: str) -> None:
        async with call(address) as (_, speaker):
            await speaker.send(type="person")
            await speaker.until("owner", owner="QUEUED")

    async def test_muted_the_caller_is_not_heard(self, address: str) -> None:
        async with call(address) as (_, speaker):
            await speaker.send(type="mute", on=True)
            await speaker.until("muted", on=True)
            await speaker.speak()
            await speaker.send(type="ping")
            await speaker.until("pong")
        assert not [frame for frame in speaker.frames if frame["type"] == "final"]

    async def test_speaking_over_the_robot_flushes_the_page(self, address: str, mouth: FakeSynthesiser) -> None:
        mouth._seconds = 1.0
        async with visit(address) as customer, line(address, mode="call", token=customer.token) as speaker:
            await speaker.until("caption")
            await speaker.speak()
            await speaker.until("flush")
            await speaker.until("final")

    async def test_one_call_a_conversation(self, address: str) -> None:
        async with call(address) as (customer, _), line(address, mode="call", token=customer.token) as second:
            assert (await second.until("error"))["code"] == "too_many_calls"


class TestRefusals:
    @pytest.mark.parametrize("token", [None, "wrong"])
    async def test_a_call_needs_an_open_conversation(self, address: str, token: str | None) -> None:
        async with line(address, mode="call", token=token) as speaker:
            assert (await speaker.until("error"))["code"] == "not_found"
            assert await speaker.closed() == 1008

    async def test_without_a_recogniser_it_says_so_at_once(self, address: str, ears: FakeTranscriber) -> None:
        ears.is_down = True
        async with line(address, mode="dictate") as speaker:
            error = await speaker.until("error")
            assert (error["code"], error["retry"]) == ("no_recogniser", True)
            assert await speaker.closed() == 1013

    async def test_without_a_voice_captions_come_alone(self, address: str, mouth: FakeSynthesiser) -> None:
        mouth.is_down = True
        async with visit(address) as customer, line(address, mode="call", token=customer.token) as speaker:
            await speaker.until("caption", text=wording.GREETING, spoken=False)
            await speaker.speak()
            await speaker.until("caption", text=ANSWER, spoken=False)

    @pytest.mark.parametrize(
        "frame", ["nonsense", "[]", '{"type": "call"}', '{"type": "hello", "mode": "sing"}', LOUD, "x" * 5000]
    )
    async def test_the_first_frame_must_be_hello(self, address: str, frame: str | bytes) -> None:
        async with websockets.connect(f"ws://{address}/ws/voice", **PLAIN) as socket:
            await socket.send(frame)
            assert (await Speaker(socket).until("error"))["code"] == "bad_frame"

    @pytest.mark.parametrize(
        "frame", [b"\x00", bytes(20_000), "{", '{"type": "digit", "digit": "x"}', '{"type": "begin"}']
    )
    async def test_a_bad_frame_ends_the_call(self, address: str, frame: str | bytes) -> None:
        async with call(address) as (_, speaker):
            await speaker.socket.send(frame)
            assert (await speaker.until("error"))["code"] == "bad_frame"
            assert await speaker.closed() == 1008

    async def test_sound_faster_than_life_is_refused(self, address: str) -> None:
        async with line(address, mode="dictate") as speaker:
            await speaker.until("ready")
            await speaker.speak(quiet=200)
            assert (await speaker.until("error"))["code"] == "too_fast"

    async def test_pages_of_other_sites_are_refused(self, address: str) -> None:
        with pytest.raises(websockets.InvalidStatus):
            async with websockets.connect(f"ws://{address}/ws/voice", origin="https://evil.example", **PLAIN):
                pass

    async def test_a_silent_socket_is_closed(self, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(browser, "IDLE_SECONDS", 0.1)
        async with line(address, mode="dictate") as speaker:
            assert (await speaker.until("error"))["code"] == "idle"


class TestDictation:
    async def test_the_transcript_comes_back_and_no_turn_is_taken(self, address: str, teller: Teller) -> None:
        async with visit(address) as customer, line(address, mode="dictate") as speaker:
            await speaker.until("ready", mode="dictate")
            await speaker.send(type="begin")
            await speaker.speak(quiet=1)
            await speaker.send(type="end")
            await speaker.until("partial")
            assert (await speaker.until("final"))["text"] == QUESTION
            assert await turns(teller, customer.session) == []

    async def test_sentences_that_the_recogniser_ended_by_itself_are_joined(
        self, address: str, ears: FakeTranscriber
    ) -> None:
        ears.ends_by_itself = True
        async with line(address, mode="dictate") as speaker:
            await speaker.send(type="begin")
            await speaker.speak(quiet=1)
            await speaker.speak(quiet=1)
            await speaker.send(type="end")
            final = await speaker.until("final")
            assert (final["text"], final["confidence"]) == (QUESTION * 2, 0.9)

    async def test_a_cancelled_press_gives_nothing(self, address: str) -> None:
        async with line(address, mode="dictate") as speaker:
            await speaker.send(type="begin")
            await speaker.speak(quiet=0)
            await speaker.send(type="cancel")
            await speaker.send(type="begin")
            await speaker.send(type="end")
            assert (await speaker.until("final"))["text"] == ""

    async def test_its_recogniser_is_given_back(self, address: str, ears: FakeTranscriber) -> None:
        async with line(address, mode="dictate") as speaker:
            await speaker.send(type="hangup")
            await speaker.closed()
        assert all(session.is_closed for session in ears.sessions)
