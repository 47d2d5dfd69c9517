"""Lending our own pytest to an environment whose target did not ask for one: no network needed."""

import importlib.metadata
import shutil
from collections.abc import Iterator, Sequence
from importlib.util import cache_from_source
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from shared.environments.interpreters import admits
from shared.targets.languages import PYTHON

SCRIPT = """#!{python}
import sys

from pytest import console_main

sys.exit(console_main())
"""


def lendable(python_version: str) -> tuple[importlib.metadata.Distribution, ...]:
    """Our own pytest and all it needs on that Python; empty where something is missing here."""
    found: dict[str, importlib.metadata.Distribution] = {}
    wanted = ["pytest"]
    while wanted:
        name = canonicalize_name(wanted.pop())
        if name in found:
            continue
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            return ()
        if not admits(distribution.metadata["Requires-Python"] or "", python_version):
            return ()
        found[name] = distribution
        wanted += _needs(distribution, python_version)
    return tuple(found.values())


def can_be_lent(requirement: str, python_version: str) -> bool:
    """Whether what we lend anyway meets it, or it does not apply to that Python at all."""
    wanted = Requirement(requirement)
    marker = {"python_full_version": python_version, "python_version": _minor(python_version)}
    if wanted.marker is not None and not wanted.marker.evaluate(marker):
        return True
    lent = {canonicalize_name(each.metadata["Name"]): each for each in lendable(python_version)}
    found = lent.get(canonicalize_name(wanted.name))
    return (
        found is not None
        and not wanted.extras
        and wanted.url is None
        and wanted.specifier.contains(found.version, prereleases=True)
    )


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def lend(distribution: importlib.metadata.Distribution, site_packages: Path) -> None:
    """Copy what a distribution installed, with its bytecode; scripts are left out.

    Copied and not linked: a target's tests can write into their environment, not into ours.
    """
    for source, name in _files(distribution):
        destination = site_packages / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        # The time of change is copied too, since the bytecode is valid for that time only.
        shutil.copy2(source, destination)


def furnish(
    distributions: Sequence[importlib.metadata.Distribution],
    into: Path,
    python: Path,
    version: str,
) -> None:
    """Lay out what is lent as it belongs into an environment, with the `pytest` command."""
    site_packages = into / "lib" / f"python{_minor(version)}" / "site-packages"
    for each in distributions:
        lend(each, site_packages)
    script = into / "bin" / "pytest"
    script.parent.mkdir()
    script.write_text(SCRIPT.format(python=python))
    script.chmod(0o755)


def _needs(distribution: importlib.metadata.Distribution, version: str) -> Iterator[str]:
    environment = {
        "extra": "",
        "python_full_version": version,
        "python_version": _minor(version),
    }
    for line in distribution.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(environment):
            yield requirement.name


def _files(distribution: importlib.metadata.Distribution) -> Iterator[tuple[Path, Path]]:
    for file in distribution.files or ():
        source = Path(str(distribution.locate_file(file)))
        if ".." in file.parts or file.suffix == ".pyc" or not source.is_file():
            continue
        yield source, Path(file)
        compiled = Path(cache_from_source(str(source))) if PYTHON.has_suffix(file.name) else None
        if compiled and compiled.is_file():
            yield compiled, Path(file).parent / "__pycache__" / compiled.name
