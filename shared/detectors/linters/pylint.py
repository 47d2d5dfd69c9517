"""What pylint is told: its configuration files, and its messages as codes of the same rules."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from shared.detectors.linters.choices import CodeChoice, FolderChoices
from shared.detectors.linters.ini import entries, read_sections
from shared.kernel.toml_data import read_toml_text
from shared.targets.tree import Tree

TOOL = "pylint"
OWN_INI_FILES = ("pylintrc", ".pylintrc")
OWN_TOML_FILES = ("pylintrc.toml", ".pylintrc.toml")
# The first of these that has a section for it counts.
FILES = (*OWN_INI_FILES, *OWN_TOML_FILES, "pyproject.toml", "setup.cfg", "tox.ini")
MESSAGES = "pylint_messages.toml"
ALL = "all"
# A regular expression that says the same as a shell pattern: dots, `.*`, and plain characters.
PLAIN = re.compile(r"^\^?(?:\\.|\.\*|[\w/-])*\$?$")
NOT_READ = "its regular expression {} is not understood here"


@cache
def _messages() -> Mapping[str, tuple[str, ...]]:
    """Return the ids and names of the messages that correspond to each code."""
    table = tomllib.loads((files(__package__) / MESSAGES).read_text())
    return {code: tuple(names) for code, names in table.items()}


def codes_of(message: str) -> tuple[str, ...]:
    """Return the codes for a message's name or id, for a category such as `C`, or for all."""
    return tuple(
        code
        for code, names in _messages().items()
        if message.lower() == ALL
        or message in names
        or (len(message) == 1 and any(re.match(rf"{message}\d", each) for each in names))
    )


def read(tree: Tree, folder: str) -> FolderChoices | None:
    """Return what the configuration in a folder says; None where there is none."""
    about = tuple(_messages())
    for name in FILES:
        content = tree.read(folder + name)
        if content is None:
            continue
        try:
            settings = _settings(name, content)
            if settings is not None:
                return _choices(folder, settings)
        except ValueError as error:
            return FolderChoices(folder, about=about, problem=f"{folder}{name}: {error}")
    return None


def _settings(name: str, content: bytes) -> dict[str, Any] | None:
    """Return all settings in a file, whatever their section; None where it has no section for it.

    Raises ValueError for a file that cannot be read.
    """
    if name.endswith(".toml"):
        tables = _tables(name, content)
    else:
        tables = read_sections(content, "" if name in OWN_INI_FILES else TOOL)
    if not tables and name not in (*OWN_INI_FILES, *OWN_TOML_FILES):
        return None
    sections = [each if isinstance(each, dict) else {key: each} for key, each in tables.items()]
    return {key.replace("_", "-"): value for each in sections for key, value in each.items()}


def _tables(name: str, content: bytes) -> Mapping[str, Any]:
    """Return the tables for it in a TOML file. Raises ValueError where there may be some."""
    try:
        tool = read_toml_text(content).get("tool", {})
    except ValueError:
        if name in OWN_TOML_FILES or f"[tool.{TOOL}".encode() in content:
            raise
        return {}
    found = tool.get(TOOL) if isinstance(tool, dict) else None
    return found if isinstance(found, dict) else {}


def _choices(folder: str, settings: Mapping[str, Any]) -> FolderChoices:
    """Return what the settings say. Raises ValueError for a pattern that is not understood."""
    off, on = entries(settings.get("disable")), entries(settings.get("enable"))
    broad = tuple(each for each in off if each.lower() == ALL or len(each) == 1)
    return FolderChoices(
        folder,
        about=tuple(_messages()),
        layers=(
            CodeChoice(off=_codes(broad)),
            CodeChoice(on=_codes(on), off=_codes(each for each in off if each not in broad)),
        ),
        excluded=(
            *entries(settings.get("ignore")),
            *_globs(entries(settings.get("ignore-patterns"))),
            *_globs(entries(settings.get("ignore-paths"))),
        ),
    )


def _codes(messages: Iterable[str]) -> tuple[str, ...]:
    """Return the codes for several messages."""
    return tuple(code for each in messages for code in codes_of(each))


def _globs(patterns: Iterable[str]) -> Iterator[str]:
    """Yield shell patterns for regular expressions, which a target could make run without end.

    Raises ValueError for one that has no such form.
    """
    for each in patterns:
        if not PLAIN.match(each):
            raise ValueError(NOT_READ.format(each))
        plain = re.sub(r"\\(.)", r"\1", each.removeprefix("^").replace(".*", "*"))
        yield plain.removesuffix("$") if plain.endswith("$") else f"{plain}*"
