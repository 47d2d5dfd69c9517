"""Reading `groundswell.toml`."""

from pydantic import ValidationError

from shared.kernel.errors import Rejected
from shared.kernel.toml_data import read_toml_text
from shared.targets.config.base import FILE
from shared.targets.config.checks import check_tables
from shared.targets.config.errors import config_rejection
from shared.targets.config.whole import TargetConfig


def parse_config(content: bytes, *, source: str = FILE) -> TargetConfig:
    """Parse and check a `groundswell.toml`. Raises `Rejected`, which says what is wrong in it."""
    try:
        data = read_toml_text(content)
    except ValueError as error:
        raise Rejected(f"{source} is not valid TOML: {error}.", code="bad_config") from error
    try:
        config = TargetConfig.model_validate(data)
    except ValidationError as error:
        raise config_rejection(error, source, TargetConfig) from None
    check_tables(config, source)
    return config
