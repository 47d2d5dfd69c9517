"""What a target configures for black, as options of ruff's formatter, which writes the same."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.kernel.toml_data import read_toml_text
from shared.targets.tree import Tree

FILE = "pyproject.toml"
DEFAULT_LINE_LENGTH = 88
STAND_IN = (
    "Changes are formatted by ruff, with the settings of [tool.black]; black itself is not run."
)


def format_options(tree: Tree, path: str) -> tuple[str, ...]:
    """Return the options for a file, from the nearest folder that configures black; else none."""
    parts = path.split("/")[:-1]
    for end in range(len(parts), -1, -1):
        section = _section(tree.read("/".join([*parts[:end], FILE])))
        if section is not None:
            return _options(section)
    return ()


def formatter_notes(tree: Tree, paths: Iterable[str]) -> tuple[str, ...]:
    """Return a note that black itself checks nothing, if it is configured for any of the paths.

    It is a development tool, which is not installed beside a target's tests.
    """
    folders = {path.rpartition("/")[0] for path in paths}
    configured = any(format_options(tree, f"{folder}/") for folder in sorted(folders))
    return (STAND_IN,) if configured else ()


def _section(content: bytes | None) -> Mapping[str, Any] | None:
    """Return black's table in a file; None without one."""
    try:
        tool = read_toml_text(content or b"").get("tool")
    except ValueError:
        return None
    section = tool.get("black") if isinstance(tool, dict) else None
    return section if isinstance(section, dict) else None


def _options(section: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the options that say what a table says."""
    length = section.get("line-length")
    quotes = "preserve" if section.get("skip-string-normalization") is True else "double"
    ignores_commas = section.get("skip-magic-trailing-comma") is True
    settings = (
        f"line-length={length if isinstance(length, int) else DEFAULT_LINE_LENGTH}",
        f"format.quote-style='{quotes}'",
        f"format.skip-magic-trailing-comma={str(ignores_commas).lower()}",
    )
    return tuple(part for each in settings for part in ("--config", each))
