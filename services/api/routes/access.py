"""What each route demands of the caller, and the ports it gets in return."""

import dataclasses
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer, SecurityScopes

from services.api.ports import ApiDeps
from services.api.usecases.access import on_behalf_of
from shared.contracts.documents.access import Scope
from shared.kernel.errors import Forbidden

# It only describes the key in the OpenAPI document: `Guard` has checked it before.
KEY = HTTPBearer(auto_error=False, scheme_name="key", description="A key of this API.")


async def _open_deps(request: Request) -> ApiDeps:
    """Return the ports for a route that needs no key."""
    deps: ApiDeps = request.app.state.deps
    return deps


async def _scoped_deps(
    required: SecurityScopes, request: Request, _key: Annotated[object, Security(KEY)]
) -> ApiDeps:
    """Return the ports as the caller may use them; raise `Forbidden` without the scope."""
    caller = request.state.caller
    for scope in required.scopes:
        if not caller.may(Scope(scope)):
            raise Forbidden(
                f"The key {caller.name!r} has not the scope {scope}.",
                hint=f"It has: {', '.join(sorted(caller.scopes))}.",
                code="missing_scope",
            )
    deps = on_behalf_of(caller, request.app.state.deps)
    new_id = getattr(request.state, "new_id", deps.new_id)
    return dataclasses.replace(deps, new_id=new_id)


Open = Annotated[ApiDeps, Depends(_open_deps)]
Reading = Annotated[ApiDeps, Security(_scoped_deps, scopes=[Scope.READ.value])]
Running = Annotated[ApiDeps, Security(_scoped_deps, scopes=[Scope.RUN.value])]
Approving = Annotated[ApiDeps, Security(_scoped_deps, scopes=[Scope.APPROVE.value])]
Administering = Annotated[ApiDeps, Security(_scoped_deps, scopes=[Scope.ADMIN.value])]
