"""Settings of the service, from a file that operators edit."""

from pathlib import Path

import yaml

DEFAULTS = {"retries": 3, "region": "eu"}


def read_settings(path: Path) -> dict:
    """Return the settings in a file over the defaults."""
    with path.open(encoding="utf-8") as file:
        given = yaml.safe_load(file) or {}
    return {**DEFAULTS, **given}


def read_many(folder: Path) -> list[dict]:
    return [yaml.safe_load(each.read_text()) for each in sorted(folder.glob("*.yml"))]
