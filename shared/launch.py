"""The first and the last thing a service's process does."""

import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog
import uvloop
from pydantic import ValidationError

from shared.kernel.errors import GroundswellError
from shared.observability.logs import configure_logs
from shared.settings import ServiceSettings

log = structlog.get_logger(__name__)

WRONG_USE = 2
S = TypeVar("S", bound=ServiceSettings)


def launch(
    name: str, settings_type: type[S], run: Callable[[S], Coroutine[Any, Any, None]]
) -> None:
    """Run a service with the settings of the environment; what a person can mend is said in words."""
    try:
        settings = settings_type()
    except ValidationError as error:
        configure_logs(name)
        wrong = [
            f"GROUNDSWELL_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}"
            for e in error.errors()
        ]
        log.critical("settings_refused", reason="; ".join(wrong))
        sys.exit(WRONG_USE)
    configure_logs(name, settings.log_level)
    try:
        uvloop.run(run(settings))
    except GroundswellError as error:
        log.critical("service_failed", reason=str(error), code=error.code)
        sys.exit(1)
