"""How Teller's other rooms ask the knowledge process."""

from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

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
        self._http = httpx.AsyncClient(
            base_url=settings.kb_url,
            headers={"Authorization": f"Bearer {secrets.internal_token}"},
            timeout=settings.kb_seconds,
            trust_env=False,
        )

    async def search(self, text: str, k: int = 5, channel: str = "web") -> SearchResult:
        """Raises Unavailable when the knowledge process does not answer in time."""
        request = {"text": text, "k": k, "channel": channel}
        return await self._call(SearchResult, "POST", "/v1/search", json=request)

    async def article(self, key: str, version: int | None = None) -> ArticleDetail:
        """Raises NotFound, or Unavailable."""
        if not key.strip("."):
            raise NotFound(key)  # in an address, dots alone name another place
        parameters = {"version": version} if version else None
        return await self._call(ArticleDetail, "GET", f"/v1/articles/{quote(key, safe='')}", params=parameters)

    async def is_ready(self) -> bool:
        try:
            return (await self._http.get("/readyz")).is_success
        except httpx.HTTPError:
            return False

    async def _call(self, kind: type[Reply], method: str, path: str, **arguments: Any) -> Reply:
        try:
            response = await self._http.request(method, path, **arguments)
        except httpx.HTTPError as error:
            raise Unavailable(f"knowledge base: {type(error).__name__}") from error
        if response.status_code == 404:
            raise NotFound(path)
        if not response.is_success:
            raise Unavailable(f"knowledge base answered {response.status_code}")
        try:
            return kind.model_validate_json(response.content)
        except ValidationError as error:
            raise Unavailable("knowledge base answered something else") from error

    async def close(self) -> None:
        await self._http.aclose()
