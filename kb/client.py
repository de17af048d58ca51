"""How Teller's other rooms ask the knowledge process."""

from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from core.peers import Peer
from core.problems import NotFound, Unavailable
from core.secrets import Secrets
from core.settings import Settings
from kb.schemas import ArticleDetail, SearchResult

Reply = TypeVar("Reply", bound=BaseModel)


class Knowledge(Protocol):
    async def search(self, text: str, k: int = 5, channel: str = "web") -> SearchResult:
        """Raises Unavailable."""
        ...

    async def article(self, key: str, version: int | None = None) -> ArticleDetail:
        """Raises NotFound or Unavailable."""
        ...


class KnowledgeClient:
    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        headers = {"Authorization": f"Bearer {secrets.internal_token}"}
        self._process = Peer("knowledge base", settings.kb_url, headers, settings.kb_seconds)

    async def search(self, text: str, k: int = 5, channel: str = "web") -> SearchResult:
        """Raises Unavailable when the knowledge process does not answer in time."""
        request = {"text": text, "k": k, "channel": channel}
        return await self._call(SearchResult, "POST", "/v1/search", json=request)

    async def article(self, key: str, version: int | None = None) -> ArticleDetail:
        """Raises NotFound, or Unavailable."""
        if not key.strip("."):
            raise NotFound(key)  # in an address, dots alone name another place
        query = f"?version={version}" if version else ""
        return await self._call(ArticleDetail, "GET", f"/v1/articles/{quote(key, safe='')}{query}")

    async def is_ready(self) -> bool:
        return await self._process.answers("/readyz")

    async def _call(self, kind: type[Reply], method: str, path: str, **arguments: Any) -> Reply:
        status, body = await self._process.call(method, path, **arguments)
        if status == 404:
            raise NotFound(path)
        if status != 200:
            raise Unavailable(f"knowledge base answered {status}")
        try:
            return kind.model_validate_json(body)
        except ValidationError as error:
            raise Unavailable("knowledge base answered something else") from error

    async def close(self) -> None:
        await self._process.close()
