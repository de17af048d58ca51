"""The real recogniser: streams, phrases, alternatives, bad input, reload, memory."""

import asyncio
import gc
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from asr.audio import read_audio
from asr.engine import Transcript
from asr.evaluation import count_errors, read_manifest
from asr.problems import TooManySessions
from asr.vosk_engine import VoskSession, VoskTranscriber
from asr.whole_graph import made_whole
from core.problems import InvalidInput
from core.settings import Settings
from tests.asr.conftest import RECORDINGS

pytestmark = pytest.mark.integration


@pytest.fixture
async def engine(speech_model: Path, speaking: Settings) -> AsyncIterator[VoskTranscriber]:
    transcriber = VoskTranscriber(speech_model, made_whole(speaking, speech_model), max_sessions=50)
    yield transcriber
    transcriber.close()


def spoken(name: str, rate: int = 8000) -> bytes:
    return read_audio(RECORDINGS / name, rate).pcm


async def stream(session: VoskSession, pcm: bytes, rate: int = 8000) -> list[Transcript]:
    """All that is heard in `pcm`, sent in pieces of 100 ms."""
    heard = []
    for start in range(0, len(pcm), rate // 5):
        if transcript := await session.accept(pcm[start : start + rate // 5]):
            heard.append(transcript)
    return [*heard, await session.finish()]


async def test_sentences_are_understood(engine: VoskTranscriber, bundled_model: Path) -> None:
    edits = characters = 0
    for recording in read_manifest(RECORDINGS / "manifest.tsv"):
        audio = read_audio(recording.path, 16000)
        errors = count_errors(recording.transcript, (await engine.transcribe(audio.pcm, audio.rate)).text)
        edits, characters = edits + errors.edits, characters + errors.characters
    assert edits / characters < 0.25


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
async def test_stream_at_every_rate(engine: VoskTranscriber, rate: int) -> None:
    session = engine.session(rate)
    heard = [one for one in await stream(session, spoken("balance.ogg", rate), rate) if not one.is_empty]
    assert heard
    for one in heard:
        assert one.model == engine.model
        assert 0 <= one.start < one.end <= 4
        assert all(0 <= word.confidence <= 1 and word.start < word.end for word in one.words)
    assert any(one.partials for one in heard)


async def test_odd_pieces_give_the_same_as_one(engine: VoskTranscriber) -> None:
    pcm = spoken("tail.ogg")
    whole, pieces = engine.session(8000), engine.session(8000)
    first = await stream(whole, pcm)
    for start in range(0, len(pcm), 801):
        await pieces.accept(pcm[start : start + 801])
    assert pieces._heard == len(pcm) // 2
    assert "".join(one.spoken for one in first)
    whole.close()
    pieces.close()


async def test_endpoint_comes_by_itself(engine: VoskTranscriber) -> None:
    session = engine.session(8000)
    heard = await stream(session, spoken("lost.ogg") + bytes(8000 * 2 * 3))
    assert len(heard) >= 2  # at the endpoint, and at the end
    assert heard[-1].is_empty


async def test_phrases_bind_what_is_heard(engine: VoskTranscriber, bundled_model: Path) -> None:
    session = engine.session(8000, ["转人工", "查余额", "挂失"])
    heard = await stream(session, spoken("person.ogg"))
    assert "".join(one.spoken for one in heard) == "转人工"


async def test_phrases_change_between_utterances(engine: VoskTranscriber) -> None:
    session = engine.session(8000)
    first = await stream(session, spoken("balance.ogg"))
    session.expect(["好的", "不要"])
    second = await stream(session, spoken("lost.ogg"))
    allowed = set("好的不要")
    assert set("".join(one.spoken for one in second)) <= allowed
    assert all(one.start >= 3 for one in second if not one.is_empty)  # time goes on
    session.expect(None)
    third = await stream(session, spoken("balance.ogg"))
    assert "".join(one.spoken for one in third) == "".join(one.spoken for one in first)


async def test_phrases_that_cannot_be_heard(engine: VoskTranscriber) -> None:
    assert engine.unknown_phrases(["转人工", "龘靐"]) == ["龘靐"]
    session = engine.session(8000, ["龘靐"])
    await stream(session, spoken("balance.ogg"))


async def test_alternatives(engine: VoskTranscriber) -> None:
    session = engine.session(8000, alternatives=5)
    heard = [one for one in await stream(session, spoken("limit.ogg")) if not one.is_empty]
    assert heard
    for one in heard:
        assert len(one.alternatives) <= 4
        assert sum(other.confidence for other in one.alternatives) <= 1
        assert 0 < one.confidence <= 1


SOUNDS = {
    "nothing": np.zeros(0),
    "silence": np.zeros(8000 * 8),
    "noise": np.random.default_rng(1).standard_normal(8000 * 8) * 3000,
    "loudest": np.sign(np.random.default_rng(2).standard_normal(8000 * 5)) * 32767,
    "key tones": 8000 * sum(np.sin(2 * np.pi * hertz * np.arange(8000 * 2) / 8000) for hertz in (770, 1336)),
    "music": 6000 * sum(np.sin(2 * np.pi * h * np.arange(8000 * 2) / 8000) for h in (262, 330, 392)),
}


@pytest.mark.parametrize("name", SOUNDS)
async def test_what_is_no_speech(name: str, engine: VoskTranscriber) -> None:
    session = engine.session(8000)
    heard = await stream(session, SOUNDS[name].astype("<i2").tobytes())
    assert all(0 <= one.confidence <= 1 for one in heard)
    if name in ("nothing", "silence"):
        assert all(one.is_empty for one in heard)


async def test_whole_recording(engine: VoskTranscriber) -> None:
    pause = bytes(8000 * 2 * 2)
    heard = await engine.transcribe(spoken("balance.ogg") + pause + spoken("lost.ogg"), 8000)
    assert heard.words[-1].end > 5
    assert (await engine.transcribe(b"", 8000)).is_empty
    assert (await engine.transcribe(b"\0" * 3, 8000)).is_empty


async def test_limit_of_sessions(speech_model: Path) -> None:
    engine = VoskTranscriber(speech_model, max_sessions=1)
    session = engine.session(8000)
    with pytest.raises(TooManySessions):
        engine.session(8000)
    session.close()
    session.close()
    engine.session(8000)
    engine.close()


async def test_wrong_rate_and_closed_session(engine: VoskTranscriber) -> None:
    with pytest.raises(InvalidInput, match="sample rate"):
        engine.session(4000)
    session = engine.session(8000)
    session.close()
    with pytest.raises(InvalidInput, match="closed"):
        await session.accept(b"")


async def test_event_loop_stays_free(engine: VoskTranscriber) -> None:
    pcm = spoken("tail.ogg") * 3
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.005)
            turns += 1

    counter = asyncio.create_task(count())
    await asyncio.gather(*(engine.transcribe(pcm, 8000) for _ in range(4)))
    counter.cancel()
    assert turns > 5


async def test_caller_who_gives_up_does_no_harm(engine: VoskTranscriber) -> None:
    session = engine.session(8000)
    pcm = spoken("tail.ogg") * 2
    for _ in range(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await session.accept(pcm)
    await session.finish()
    session.close()


async def test_reload_leaves_running_sessions_their_model(
    engine: VoskTranscriber, speech_model: Path, tmp_path: Path
) -> None:
    running = engine.session(8000)
    await running.accept(spoken("balance.ogg"))
    other = tmp_path / "other"
    shutil.copytree(speech_model, other)
    before = engine.model
    assert await engine.reload(other) == engine.model != before
    assert engine.session(8000).model == engine.model
    assert (running.model, (await running.finish()).model) == (before, before)


async def test_a_thousand_short_sessions_leave_no_memory(engine: VoskTranscriber) -> None:
    pcm = spoken("person.ogg")[:6400]

    async def short() -> None:
        session = engine.session(8000)
        await session.accept(pcm)
        await session.finish()
        session.close()

    def memory() -> float:
        gc.collect()
        return psutil.Process(os.getpid()).memory_info().rss / 1e6

    for _ in range(200):
        await short()
    before = memory()
    for _ in range(1000):
        await short()
    assert memory() - before < 10
    assert engine.open_sessions == 0
