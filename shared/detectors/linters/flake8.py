"""Read the settings of flake8, from setup.cfg, tox.ini, .flake8, or pyproject.toml by a plugin."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from shared.detectors.linters.choices import CodeChoice, FolderChoices
from shared.detectors.linters.ini import entries, read_sections
from shared.kernel.toml_data import read_toml_text
from shared.targets.tree import Tree

TOOL = "flake8"
# The first of these that has a section for it counts.
INI_FILES = ("setup.cfg", "tox.ini", ".flake8")
TOML_FILE = "pyproject.toml"
FILES = (*INI_FILES, TOML_FILE)
# The letters of its own codes, and of the plugins that have rules in common with ours.
ABOUT = ("E", "W", "F", "B", "C", "G", "LOG", "PIE", "RET", "RSE", "SIM")
CODE = re.compile(r"^[A-Z]+\d*$")


def read(tree: Tree, folder: str) -> FolderChoices | None:
    """Return what the configuration in a folder says; None where there is none."""
    for name in FILES:
        content = tree.read(folder + name)
        if content is None:
            continue
        try:
            section = _ini(content) if name in INI_FILES else _toml(content)
        except ValueError as error:
            return FolderChoices(folder, about=ABOUT, problem=f"{folder}{name}: {error}")
        if section:
            return _choices(folder, section)
    return None


def _ini(content: bytes) -> Mapping[str, Any]:
    """Return the section of an INI file. Raises ValueError."""
    return read_sections(content, TOOL).get(TOOL, {})


def _toml(content: bytes) -> Mapping[str, Any]:
    """Return the table of a TOML file. Raises ValueError where it may have one."""
    try:
        tool = read_toml_text(content).get("tool", {})
    except ValueError:
        if f"[tool.{TOOL}".encode() in content:
            raise
        return {}
    section = tool.get(TOOL) if isinstance(tool, dict) else None
    return section if isinstance(section, dict) else {}


def _choices(folder: str, section: Mapping[str, Any]) -> FolderChoices:
    """Return what a section says."""
    given = {key.replace("_", "-"): value for key, value in section.items()}
    return FolderChoices(
        folder,
        about=ABOUT,
        layers=(
            CodeChoice(
                on=(*entries(given.get("select")), *entries(given.get("extend-select"))),
                off=(*entries(given.get("ignore")), *entries(given.get("extend-ignore"))),
            ),
        ),
        per_file=tuple(_per_file(given.get("per-file-ignores"))),
        excluded=tuple(
            each.removeprefix("./").rstrip("/")
            for key in ("exclude", "extend-exclude")
            for each in entries(given.get(key))
        ),
    )


def _per_file(value: object) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each file pattern of `a.py,b.py:F401,E5 c.py:W6` with its codes."""
    if isinstance(value, dict):
        value = " ".join(f"{file}:{','.join(entries(codes))}" for file, codes in value.items())
    text = "\n".join(value) if isinstance(value, list) else str(value or "")
    files: list[str] = []
    codes: list[str] = []
    for entry in entries(text.replace(":", " : ")):
        if entry != ":" and not CODE.match(entry):
            if codes:
                yield from ((file, tuple(codes)) for file in files)
                files, codes = [], []
            files.append(entry.removeprefix("./"))
        elif entry != ":":
            codes.append(entry)
    yield from ((file, tuple(codes)) for file in files)
