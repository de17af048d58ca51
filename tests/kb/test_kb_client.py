"""How other rooms ask the knowledge process, and what they get when it does not answer."""

import json
import socket
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from core.problems import NotFound, Unavailable
from core.secrets import ensure_secrets
from core.settings import Settings
from kb.client import KnowledgeClient
from tests.answering import answering
from tests.kb.conftest import serving

KEY = "account.balance_howto"  # the first of the shipped articles, and so among the chosen ones


@pytest.fixture
def client_for(settings: Settings) -> Callable[[int, float], KnowledgeClient]:
    def make(port: int, seconds: float = 5) -> KnowledgeClient:
        changed = settings.model_copy(update={"kb_port": port, "kb_seconds": seconds})
        return KnowledgeClient(changed, ensure_secrets(settings))

    return make


@pytest.mark.unit
@pytest.mark.parametrize(
    ("status", "content"),
    [(500, b"{}"), (503, b"{}"), (422, b"{}"), (401, b"{}"), (307, b""), (200, b"<html>"), (200, b"{}"), (200, b"[]")],
)
async def test_an_answer_that_is_none_counts_as_unavailable(
    status: int, content: bytes, client_for: Callable[..., KnowledgeClient]
) -> None:
    with answering(status, content) as port:
        client = client_for(port)
        with pytest.raises(Unavailable):
            await client.search("卡丢了")
        with pytest.raises(Unavailable):
            await client.article("card.lost")
        await client.close()


@pytest.mark.unit
async def test_silence_counts_as_unavailable_after_the_time_budget(client_for: Callable[..., KnowledgeClient]) -> None:
    with answering(200, b"{}", threading.Event()) as port:
        client = client_for(port, 0.2)
        with pytest.raises(Unavailable, match="Timeout"):
            await client.search("卡丢了")
        assert not await client.is_ready()
        await client.close()


@pytest.mark.unit
async def test_a_closed_port_counts_as_unavailable(client_for: Callable[..., KnowledgeClient]) -> None:
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        port = attempt.getsockname()[1]
    client = client_for(port)
    with pytest.raises(Unavailable):
        await client.search("卡丢了")
    assert not await client.is_ready()
    await client.close()


@pytest.mark.unit
async def test_what_is_not_found_is_told(client_for: Callable[..., KnowledgeClient]) -> None:
    with answering(404, json.dumps({"code": "article_not_found"}).encode()) as port:
        client = client_for(port)
        with pytest.raises(NotFound):
            await client.article("no.such")
        await client.close()


@pytest.fixture
async def real(some_settings: Settings) -> AsyncIterator[KnowledgeClient]:
    with serving(some_settings) as running:
        client = KnowledgeClient(running.settings.model_copy(update={"kb_seconds": 20}), ensure_secrets(some_settings))
        yield client
        await client.close()


@pytest.mark.integration
async def test_against_the_real_process(real: KnowledgeClient) -> None:
    assert await real.is_ready()
    article = await real.article(KEY)
    assert article.version == 1
    result = await real.search(article.extended[0], k=3)
    assert result.decision == "answer"
    assert result.answer is not None
    assert result.answer.key == KEY
    assert len(result.candidates) == 3
    assert (await real.article(KEY, 1)).text == article.text
    for key in ("no.such", "", "../status", "..", ".", f"{KEY}/", "%2e%2e/status", "?q=1", "#", "账户"):
        with pytest.raises(NotFound):
            await real.article(key)
