"""What each route demands of the caller, and the ports it gets in return."""

import dataclasses
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer, SecurityScopes

from services.api.domain.access import Caller
from services.api.ports import ApiDeps
from services.api.usecases.access import on_behalf_of, require_all_targets
from shared.contracts.documents.access import Scope
from shared.kernel.errors import Forbidden

# It only describes the key in the OpenAPI document: `Guard` has checked it before.
KEY = HTTPBearer(auto_error=False, scheme_name="key", description="A key of this API.")


def require_scope(caller: Caller, scope: Scope) -> None:
    """Raise `Forbidden` unless one of the caller's scopes is or includes this one."""
    if not caller.may(scope):
        raise Forbidden(
            f"The key {caller.name!r} has not the scope {scope}.",
            hint=f"It has: {', '.join(sorted(caller.scopes))}.",
            code="missing_scope",
        )


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
        require_scope(caller, Scope(scope))
    deps = on_behalf_of(caller, request.app.state.deps)
    if Scope.ADMIN in required.scopes:
        # What an administrator does is about every target: keys, and where events are sent.
        require_all_targets(deps)
    new_id = getattr(request.state, "new_id", deps.new_id)
    return dataclasses.replace(deps, new_id=new_id)


Open = Annotated[ApiDeps, Depends(_open_deps)]
Reading = Annotated[ApiDeps, Security(_scoped_deps, scopes=[Scope.READ.value])]
Running = Annotated[ApiDeps, Security(_scoped_deps, scopes=[Scope.RUN.value])]
Approving = Annotated[ApiDeps, Security(_scoped_deps, scopes=[Scope.APPROVE.value])]
Administering = Annotated[ApiDeps, Security(_scoped_deps, scopes=[Scope.ADMIN.value])]
