"""vosk-server's protocol over real sockets, with a fake engine."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from asr.server import serving
from core.settings import Settings
from tests.asr.fake_engine import FakeTranscriber

pytestmark = pytest.mark.unit

Serve = Callable[..., Any]


@asynccontextmanager
async def served(settings: Settings, engine: FakeTranscriber, **changes: Any) -> AsyncIterator[str]:
    server = await serving(engine, "127.0.0.1", 0, settings.model_copy(update=changes))
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def client_of(settings: Settings, engine: FakeTranscriber, **changes: Any) -> AsyncIterator[ClientConnection]:
    async with served(settings, engine, **changes) as address, connect(f"ws://{address}", proxy=None) as client:
        yield client


async def asked(client: ClientConnection, message: str | bytes) -> dict[str, Any]:
    await client.send(message)
    async with asyncio.timeout(5):
        return dict(json.loads(await client.recv()))


@pytest.fixture
def engine() -> FakeTranscriber:
    return FakeTranscriber()


async def test_client_without_configuration_is_a_telephone_line(settings: Settings, engine: FakeTranscriber) -> None:
    async with client_of(settings, engine) as client:
        assert await asked(client, b".") == {"partial": "好"}
        assert await asked(client, b"") == {"partial": "好"}
        assert await asked(client, b".|") == {
            "result": [
                {"conf": 0.75, "end": 0.5, "start": 0.0, "word": "好"},
                {"conf": 0.75, "end": 1.5, "start": 1.0, "word": "好"},
            ],
            "text": "好 好",
        }
        assert await asked(client, '{"eof" : 1}') == {"text": ""}
        with pytest.raises(ConnectionClosed):
            await client.recv()
    (session,) = engine.sessions
    assert (session.rate, session.phrases, session.alternatives) == (8000, None, 0)


async def test_session_is_closed_with_the_connection(settings: Settings, engine: FakeTranscriber) -> None:
    async with served(settings, engine) as address:
        async with connect(f"ws://{address}", proxy=None) as client:
            await asked(client, b".")
        async with connect(f"ws://{address}", proxy=None) as client:
            await asked(client, b".")
            client.transport.abort()
        await asyncio.sleep(0.05)
        assert [session.is_closed for session in engine.sessions] == [True, True]


async def test_configuration_is_not_answered(settings: Settings, engine: FakeTranscriber) -> None:
    wanted = {"sample_rate": 16000.0, "phrase_list": ["是", "不是"], "words": False, "max_alternatives": 3}
    async with client_of(settings, engine) as client:
        await client.send(json.dumps({"config": wanted}))
        assert await asked(client, b".") == {"partial": "好"}
        assert await asked(client, b"|") == {"text": "好"}
    (session,) = engine.sessions
    assert (session.rate, session.phrases, session.alternatives) == (16000, ["是", "不是"], 3)


async def test_phrases_change_while_it_listens(settings: Settings, engine: FakeTranscriber) -> None:
    async with client_of(settings, engine) as client:
        await asked(client, b".")
        await client.send('{"config": {"phrase_list": ["人工"], "sample_rate": 16000}}')
        await asked(client, b".")
        assert (engine.sessions[0].phrases, engine.sessions[0].rate) == (["人工"], 8000)
        await client.send('{"config": {"phrase_list": []}}')
        await asked(client, b".")
        assert engine.sessions[0].phrases is None


async def test_reset_ends_the_utterance_and_goes_on(settings: Settings, engine: FakeTranscriber) -> None:
    async with client_of(settings, engine) as client:
        await asked(client, b"..")
        assert (await asked(client, '{"reset" : 1}'))["text"] == "好 好"
        assert await asked(client, b".") == {"partial": "好"}


async def test_end_without_audio(settings: Settings, engine: FakeTranscriber) -> None:
    async with client_of(settings, engine) as client:
        assert await asked(client, '{"eof":1}') == {"text": ""}


@pytest.mark.parametrize(
    "message",
    [
        "hello", "", "[1]", "null", '{"audio": "AAAA"}', '{"eof" : 0}', "[" * 50000, '{"config": 5}',
        '{"config": {"sample_rate": "fast"}}', '{"config": {"sample_rate": 100}}', '{"config": {"sample_rate": 1e999}}',
        '{"config": {"max_alternatives": -1}}', '{"config": {"phrase_list": "是"}}',
        '{"config": {"phrase_list": [1]}}', '{"config": {"sample_rate": true}}', '{"config": {"sample_rate": 8000.5}}',
    ],
)  # fmt: skip
async def test_wrong_text_is_answered_and_the_line_stays(
    message: str, settings: Settings, engine: FakeTranscriber
) -> None:
    async with client_of(settings, engine) as client:
        assert list(await asked(client, message)) == ["error"]
        assert await asked(client, b".") == {"partial": "好"}


async def test_silent_client_is_sent_away(settings: Settings, engine: FakeTranscriber) -> None:
    async with client_of(settings, engine, asr_idle_seconds=0.05) as client:
        assert json.loads(await client.recv()) == {"error": "no audio for 0.05 s"}
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


async def test_client_that_never_ends_is_sent_away(settings: Settings, engine: FakeTranscriber) -> None:
    async with client_of(settings, engine, asr_max_minutes=1 / 60) as client:
        assert "partial" in await asked(client, bytes(16000))
        assert "of audio on one connection" in (await asked(client, bytes(2)))["error"]
        with pytest.raises(ConnectionClosed):
            await client.recv()


async def test_too_large_a_message_ends_its_connection_only(settings: Settings, engine: FakeTranscriber) -> None:
    async with served(settings, engine, asr_message_kb=1) as address:
        async with connect(f"ws://{address}", proxy=None) as client:
            with pytest.raises(ConnectionClosed) as closed:
                await asked(client, bytes(1025))
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1009
        async with connect(f"ws://{address}", proxy=None) as client:
            assert "partial" in await asked(client, bytes(1024))


async def test_too_many_connections(settings: Settings, engine: FakeTranscriber) -> None:
    async with served(settings, engine, asr_connections=1) as address, connect(f"ws://{address}", proxy=None) as first:
        await asked(first, b".")
        async with connect(f"ws://{address}", proxy=None) as second:
            assert "too many" in json.loads(await second.recv())["error"]
            with pytest.raises(ConnectionClosed) as closed:
                await second.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1013
        assert "partial" in await asked(first, b".")


async def test_too_many_sessions_of_the_engine(settings: Settings) -> None:
    async with client_of(settings, FakeTranscriber(most=0)) as client:
        assert "too many" in (await asked(client, b"."))["error"]


async def test_failing_engine_ends_its_caller_only(settings: Settings, engine: FakeTranscriber) -> None:
    async with served(settings, engine) as address, connect(f"ws://{address}", proxy=None) as other:
        await asked(other, b".")
        async with connect(f"ws://{address}", proxy=None) as client:
            assert await asked(client, b"fail") == {"error": "the recogniser failed"}
            with pytest.raises(ConnectionClosed) as closed:
                await client.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1011
        assert await asked(other, b".") == {"partial": "好好"}


async def test_probes(settings: Settings, engine: FakeTranscriber) -> None:
    def get(address: str) -> int:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{address}/readyz", timeout=5) as response:
            return int(response.status)

    async with served(settings, engine) as address:
        assert await asyncio.to_thread(get, address) == 200
