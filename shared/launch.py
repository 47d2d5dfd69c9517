"""The entry point of a service's process: settings, logs, event loop, exit code."""

import gc
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog
import uvloop
from pydantic import ValidationError

from shared.kernel.errors import GroundswellError
from shared.observability.logs import configure_logs
from shared.settings import HomeSettings, ServiceSettings
from shared.targets.home import make_private_home

log = structlog.get_logger(__name__)

# How many new objects, and then how many smaller collections, make Python look for cyclic garbage.
# Syntax trees and documents are many objects that stay, so that by default the looking takes longer
# than the work.
COLLECTION_THRESHOLDS = (100_000, 20, 50)
EXIT_FAILED = 1
EXIT_BAD_SETTINGS = 2
S = TypeVar("S", bound=ServiceSettings)


def launch(
    name: str, settings_type: type[S], run: Callable[[S], Coroutine[Any, Any, None]]
) -> None:
    """Run a service with the settings of the environment until it ends.

    Exits with 2 after invalid settings, and with 1 after a `GroundswellError`, which are logged as
    sentences without a traceback.
    """
    gc.set_threshold(*COLLECTION_THRESHOLDS)
    try:
        settings = settings_type()
    except ValidationError as error:
        configure_logs(name)
        invalid = [
            f"GROUNDSWELL_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}"
            for e in error.errors()
        ]
        log.critical("settings_invalid", reason="; ".join(invalid))
        sys.exit(EXIT_BAD_SETTINGS)
    configure_logs(name, settings.log_level)
    try:
        if isinstance(settings, HomeSettings):
            make_private_home(settings.home)
        uvloop.run(run(settings))
    except GroundswellError as error:
        log.critical("service_failed", reason=str(error), code=error.code)
        sys.exit(EXIT_FAILED)
