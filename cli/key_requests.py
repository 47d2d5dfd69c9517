"""What a client asks the API about its keys."""

from cli.requests import Requests
from shared.contracts.answers import KeyMade
from shared.contracts.commands import CreateKey, RotateKey
from shared.contracts.views import KeyView


class KeyRequests(Requests):
    """The requests about keys, for a client that can send any."""

    async def create_key(self, wanted: CreateKey) -> KeyMade:
        """Make a key of the API."""
        return await self._post(KeyMade, "/keys", wanted)

    async def keys(self, limit: int) -> list[KeyView]:
        """Return the newest keys of the API."""
        return await self._list(KeyView, "/keys", limit)

    async def rotate_key(self, key: str, wanted: RotateKey) -> KeyMade:
        """Make a key that takes the place of another one."""
        return await self._post(KeyMade, f"/keys/{key}/rotate", wanted)

    async def revoke_key(self, key: str) -> KeyView:
        """Revoke a key."""
        return await self._request(KeyView, "DELETE", f"/keys/{key}")
