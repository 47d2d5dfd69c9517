"""The contracts of import-linter that a target has, and the one that would hold what it reached."""

import configparser
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.contracts.base import Severity
from shared.detectors.imports.graph import components
from shared.detectors.imports.survey import Found, Survey
from shared.kernel.toml_data import read_toml_text

CONTRACT, ACYCLIC = "contract", "acyclic_siblings"
INI_FILES = (".importlinter", "setup.cfg")
PYPROJECT = "pyproject.toml"
LISTS = frozenset({"layers", "containers", "ignore_imports", "root_packages", "ancestors"})


@dataclass(frozen=True)
class LinterSettings:
    """The file with the settings of import-linter, the packages it is about, and its contracts."""

    path: str
    packages: tuple[str, ...]
    contracts: tuple[Mapping[str, Any], ...]


def read_linter_settings(survey: Survey) -> LinterSettings | None:
    """Return the settings of import-linter; None where a target does not use it."""
    for name in INI_FILES:
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string(survey.read(name).decode())
        except (configparser.Error, UnicodeDecodeError):
            continue
        if "importlinter" in parser:
            sections = [e for e in parser.sections() if e.startswith("importlinter:contract")]
            found = tuple(_lists(parser[each]) for each in sections)
            return LinterSettings(name, _packages(_lists(parser["importlinter"])), found)
    try:
        settings = read_toml_text(survey.read(PYPROJECT))["tool"]["importlinter"]
        listed = tuple(dict(each) for each in settings.get("contracts", ()))
        return LinterSettings(PYPROJECT, _packages(settings), listed)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def find_missing_contracts(survey: Survey) -> Iterator[Found]:
    """Yield the packages without cycles that no contract keeps so, where there are contracts."""
    settings = read_linter_settings(survey)
    if settings is None or any(each.get("type") == ACYCLIC for each in settings.contracts):
        return
    for package in settings.packages:
        path = survey.graph.modules.find(package)
        if path is not None and path in survey.graph.facts and _is_acyclic(survey, package):
            yield Found(
                CONTRACT,
                Severity.NOTE,
                path,
                1,
                f"No contract in {settings.path} keeps the parts of `{package}` free of cycles.",
                identity="contract",
            )


def contract_text(path: str, package: str) -> str:
    """Return the contract that keeps the parts of a package free of cycles, for a file."""
    name = f"No cycles between the parts of {package}"
    if path == PYPROJECT:
        return (
            f'\n[[tool.importlinter.contracts]]\nname = "{name}"\ntype = "{ACYCLIC}"\n'
            f'ancestors = ["{package}"]\n'
        )
    return (
        f"\n[importlinter:contract:no-cycles-{package}]\nname = {name}\ntype = {ACYCLIC}\n"
        f"ancestors =\n    {package}\n"
    )


def _is_acyclic(survey: Survey, package: str) -> bool:
    """Return whether the parts of a package, and those of its parts, import in one direction.

    Each import counts, whenever it runs, as import-linter sees it.
    """
    between: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    names = survey.graph.modules.name
    for edges in survey.graph.edges.values():
        for edge in edges:
            one, other = names(edge.importer).split("."), names(edge.imported).split(".")
            depth = next(
                (n for n, e in enumerate(zip(one, other, strict=False)) if len(set(e)) > 1), 0
            )
            if depth and one[0] == package:
                between[".".join(one[:depth])][one[depth]].add(other[depth])
    return not any(components(graph) for graph in between.values())


def _packages(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the packages that import-linter looks at."""
    listed = settings.get("root_packages", ())
    found = [settings["root_package"]] if "root_package" in settings else list(listed)
    return tuple(each for each in found if isinstance(each, str))


def _lists(section: Mapping[str, str]) -> dict[str, Any]:
    """Return a section of an INI file, with values of several lines as lists."""
    return {
        key: [row.strip() for row in value.strip().splitlines() if row.strip()]
        if "\n" in value or key in LISTS
        else value
        for key, value in section.items()
    }
