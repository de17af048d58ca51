"""The client of the speech process, against a server that speaks vosk-server's protocol."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from voice.problems import NoRecogniser
from voice.recognition import RecogniserClient

pytestmark = pytest.mark.unit

RESULT = {
    "result": [
        {"conf": 0.9, "start": 0.1, "end": 0.4, "word": "尾号"},
        {"conf": 0.7, "start": 0.4, "end": 0.9, "word": "八八四二"},
    ],
    "text": "尾号 八八四二",
}


class Recogniser:
    """Ends an utterance at every second of sound."""

    def __init__(self) -> None:
        self.configurations: list[dict[str, Any]] = []
        self.refuses = False
        self.hangs_up = False

    async def __call__(self, socket: ServerConnection) -> None:
        heard = 0
        async for message in socket:
            if self.hangs_up:
                self.hangs_up = False
                return
            if isinstance(message, bytes):
                heard += len(message)
                ended = heard >= 16000
                heard = 0 if ended else heard
                reply: dict[str, Any] = RESULT if ended else {"partial": "尾号 八"}
            elif "config" in (command := json.loads(message)):
                self.configurations.append(command["config"])
                continue
            else:
                reply = RESULT if heard else {"text": ""}
                heard = 0
            await socket.send(json.dumps({"error": "too many"} if self.refuses else reply, ensure_ascii=False))


@pytest.fixture
def recogniser() -> Recogniser:
    return Recogniser()


@pytest.fixture
async def client(recogniser: Recogniser) -> AsyncIterator[RecogniserClient]:
    async with serve(recogniser, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield RecogniserClient(f"ws://127.0.0.1:{port}", lambda: "m@1")


async def test_partials_come_and_the_end_gives_the_written_form(client: RecogniserClient) -> None:
    session = client.session(8000)
    assert await session.accept(bytes(3200)) is None
    assert await session.partial() == "尾号八"
    transcript = await session.finish()
    assert (transcript.text, transcript.spoken, transcript.model) == ("尾号8842", "尾号八八四二", "m@1")
    assert transcript.confidence == pytest.approx(0.8)
    assert transcript.partials == ("尾号八",)
    assert await session.partial() == ""
    session.close()


async def test_an_utterance_that_the_engine_ends_itself_is_given_at_once(client: RecogniserClient) -> None:
    session = client.session(8000)
    transcript = await session.accept(bytes(16000))
    assert transcript
    assert transcript.text == "尾号8842"
    session.close()


async def test_nothing_said_is_empty(client: RecogniserClient) -> None:
    session = client.session(8000)
    assert (await session.finish()).is_empty
    await session.accept(bytes(16000))
    assert (await session.finish()).is_empty
    session.close()


async def test_rate_and_phrases_are_told(client: RecogniserClient, recogniser: Recogniser) -> None:
    session = client.session(16000, ["是", "不是"])
    await session.accept(bytes(320))
    session.expect(None)
    await session.accept(bytes(320))
    assert recogniser.configurations[0]["sample_rate"] == 16000
    assert [configuration["phrase_list"] for configuration in recogniser.configurations] == [["是", "不是"], []]
    session.close()


async def test_a_recording_is_heard_whole(client: RecogniserClient) -> None:
    transcript = await client.transcribe(bytes(40000), 8000)
    assert transcript.text == "尾号8842" * 3
    assert (await client.transcribe(b"", 8000)).is_empty


async def test_a_lost_connection_is_told_and_made_anew(client: RecogniserClient, recogniser: Recogniser) -> None:
    session = client.session(8000)
    await session.accept(bytes(320))
    recogniser.hangs_up = True
    with pytest.raises(NoRecogniser):
        await session.accept(bytes(320))
    assert await session.accept(bytes(320)) is None
    session.close()


async def test_a_refusal_is_told(client: RecogniserClient, recogniser: Recogniser) -> None:
    recogniser.refuses = True
    session = client.session(8000)
    with pytest.raises(NoRecogniser):
        await session.accept(bytes(320))
    session.close()


async def test_nobody_there_is_told() -> None:
    with pytest.raises(NoRecogniser):
        await RecogniserClient("ws://127.0.0.1:9").session(8000).accept(bytes(320))
