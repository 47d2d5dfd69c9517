"""How long the lines of a target's code may be."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from shared.detectors.linters.ini import read_sections
from shared.detectors.texts import split_lines
from shared.kernel.toml_data import read_toml_text
from shared.targets.tree import Tree

MAX_LINE_LENGTH, MIN_LINE_LENGTH = 120, 88
PYPROJECT = "pyproject.toml"
RUFF_FILES, PYLINT_FILES = (".ruff.toml", "ruff.toml"), (".pylintrc", "pylintrc")
INI_FILES = ("setup.cfg", "tox.ini", ".flake8", *PYLINT_FILES)
# What breaks lines counts before what only complains about them.
TOOLS = ("black", "ruff", "yapf", "autopep8", "flake8", "pycodestyle", "pylint")
KEYS = frozenset({"line-length", "max-line-length", "column-limit"})
DEFAULTS = {"black": 88}


def usual_line_length(texts: Iterable[str]) -> int:
    """Return the length of the longest line, within limits: for where nothing is configured."""
    longest = max((len(line.rstrip()) for text in texts for line in split_lines(text)), default=0)
    return min(max(longest, MIN_LINE_LENGTH), MAX_LINE_LENGTH)


def configured_line_length(tree: Tree, path: str) -> int | None:
    """Return what formatters and linters are told in the nearest folder above; None if nothing."""
    parts = path.split("/")[:-1]
    for end in range(len(parts), -1, -1):
        folder = "".join(f"{each}/" for each in parts[:end])
        found = dict(_settings(tree, folder))
        lengths = [found[tool] for tool in TOOLS if tool in found]
        if lengths:
            return lengths[0]
    return None


def _settings(tree: Tree, folder: str) -> Iterator[tuple[str, int]]:
    """Yield the tools that the files of one folder configure, each with its line length."""
    for name in (*INI_FILES, *RUFF_FILES, PYPROJECT):
        content = tree.read(folder + name)
        tables = _tables(name, content) if content is not None else {}
        for tool in TOOLS:
            lengths = [
                length
                for section, table in tables.items()
                if section.split(".")[0].split(":")[0].lower() == tool
                for length in _lengths(table)
            ]
            if lengths or (tool in tables and tool in DEFAULTS):
                yield tool, (lengths or [DEFAULTS.get(tool, 0)])[0]


def _tables(name: str, content: bytes) -> Mapping[str, Any]:
    """Return the sections of a file, by the tool that they begin with; none if it is unreadable."""
    try:
        if name in INI_FILES:
            sections = read_sections(content, "")
            return {"pylint": sections} if name in PYLINT_FILES else sections
        tables = read_toml_text(content)
    except ValueError:
        return {}
    if name in RUFF_FILES:
        return {"ruff": tables}
    tool = tables.get("tool")
    return tool if isinstance(tool, dict) else {}


def _lengths(table: object) -> Iterator[int]:
    """Yield the line lengths in a table of settings and in the tables in it."""
    for key, value in table.items() if isinstance(table, dict) else ():
        if isinstance(value, dict):
            yield from _lengths(value)
        elif key.replace("_", "-") in KEYS and str(value).strip().isdigit():
            yield int(str(value))
