"""RPC endpoints of the API, a module by aggregate: what HTTP answers, on the bus as well."""

from typing import Any

from services.api.handlers import backtests, enhancements, tasks
from services.api.ports import ApiDeps
from shared.messaging.rpc import Endpoint

MODULES = (enhancements, backtests, tasks)


def answers(deps: ApiDeps) -> tuple[Endpoint[Any, Any], ...]:
    """Return the RPC endpoints of the API."""
    return tuple(endpoint for module in MODULES for endpoint in module.answers(deps))
