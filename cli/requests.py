"""How a client sends requests, for the parts of it that say which."""

from abc import ABC, abstractmethod
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from shared.contracts.base import Value

M = TypeVar("M", bound=BaseModel)
V = TypeVar("V", bound=Value)


class Requests(ABC):
    """A client that can send any request."""

    @abstractmethod
    async def _list(self, view: type[V], path: str, limit: int, **params: Any) -> list[V]:
        """Return at most `limit` items of a list."""

    @abstractmethod
    async def _post(self, model: type[M], path: str, body: BaseModel) -> M:
        """Send a body as JSON, and return the parsed answer."""

    @abstractmethod
    async def _request(self, model: type[M], method: str, path: str, **options: Any) -> M:
        """Send a request, and return the parsed answer."""

    @abstractmethod
    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request, and return the answer."""
