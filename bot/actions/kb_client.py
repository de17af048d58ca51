"""The knowledge base over HTTP."""

import asyncio
import logging
import os
from typing import Any

import aiohttp

logger = logging.getLogger(__name__)

MAX_QUESTION_CHARS = 500
DEFAULT_SECONDS = 2.0
# Far below the whole budget: a process that is down must show at once, not after the patience for a slow answer.
CONNECT_SECONDS = 0.5


class KnowledgeUnavailable(Exception):
    """The knowledge base gave no usable answer in time."""


class KnowledgeClient:
    """Searches the knowledge base over connections that are kept open.

    Address and token come from TELLER_KB_URL and TELLER_INTERNAL_TOKEN, the time budget of one look-up from
    TELLER_KB_SECONDS.
    """

    def __init__(self, url: str, token: str, seconds: float = DEFAULT_SECONDS) -> None:
        self._search_url = url.rstrip("/") + "/v1/search"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._timeout = aiohttp.ClientTimeout(total=seconds, connect=min(CONNECT_SECONDS, seconds))
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def from_environment(cls) -> "KnowledgeClient":
        return cls(
            os.environ.get("TELLER_KB_URL", "http://127.0.0.1:8100"),
            os.environ.get("TELLER_INTERNAL_TOKEN", ""),
            float(os.environ.get("TELLER_KB_SECONDS", DEFAULT_SECONDS)),
        )

    async def search(self, text: str, channel: str, within: list[str] | None = None) -> dict[str, Any]:
        """The whole reply of `POST /v1/search`; `within` restricts it to these article keys.

        Raises KnowledgeUnavailable on a time-out, a lost connection, an error status or a reply of another shape.
        """
        question = {"text": text[:MAX_QUESTION_CHARS], "within": within, "channel": channel}
        try:
            async with self._opened().post(self._search_url, json=question) as response:
                if response.status != 200:
                    raise KnowledgeUnavailable(f"status {response.status}")
                reply = await response.json()
        except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
            raise KnowledgeUnavailable(type(error).__name__) from error
        if not isinstance(reply, dict) or "decision" not in reply:
            raise KnowledgeUnavailable("a reply without a decision")
        return reply

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        # Opened on first use: a session belongs to the event loop that is running by then.
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=self._timeout)
        return self._session


knowledge = KnowledgeClient.from_environment()
