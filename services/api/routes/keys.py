"""Routes under /keys."""

from fastapi import APIRouter, Response

from services.api import usecases
from services.api.routes.access import Administering
from services.api.routes.paging import After, Limit
from services.api.routes.secrets import shown_once
from shared.contracts.answers import KeyMade
from shared.contracts.commands import CreateKey, RotateKey
from shared.contracts.views import KeyView, Page


def key_routes() -> APIRouter:
    """Return the routes under /keys, which need a key with the scope `admin` for all targets."""
    router = APIRouter(prefix="/keys", tags=["keys"])

    @router.post("", status_code=201)
    async def create_key(deps: Administering, wanted: CreateKey, response: Response) -> KeyMade:
        """Make a key; its text is in this answer only."""
        return shown_once(await usecases.create_key(wanted, deps), response)

    @router.get("")
    async def list_keys(
        deps: Administering, limit: Limit = 100, after: After = None
    ) -> Page[KeyView]:
        """Return a page of keys, newest first, without their texts."""
        return await usecases.list_keys(limit, after or "", deps)

    @router.post("/{key}/rotate", status_code=201)
    async def rotate_key(
        deps: Administering, key: str, response: Response, wanted: RotateKey | None = None
    ) -> KeyMade:
        """Make a key that takes the place of another, which stays valid for `grace_seconds`."""
        made = await usecases.rotate_key(key, wanted or RotateKey(), deps)
        return shown_once(made, response)

    @router.delete("/{key}")
    async def revoke_key(deps: Administering, key: str) -> KeyView:
        """Revoke a key: it is refused from now on."""
        return await usecases.revoke_key(key, deps)

    return router
