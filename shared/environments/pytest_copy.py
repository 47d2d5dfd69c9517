"""Copy our own pytest into an environment without one, which needs no network."""

import importlib.metadata
import io
import tarfile
from collections.abc import Iterator, Sequence
from importlib.util import cache_from_source
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from shared.environments.interpreters import is_permitted, minor_version
from shared.targets.languages import PYTHON

PYTEST_SCRIPT = """#!{python}
import sys

from pytest import console_main

sys.exit(console_main())
"""


def pytest_distributions(python_version: str) -> tuple[importlib.metadata.Distribution, ...]:
    """Return our pytest and all it requires on that Python; empty if any of it is missing here."""
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
        if not is_permitted(distribution.metadata["Requires-Python"] or "", python_version):
            return ()
        found[name] = distribution
        wanted += _requirements(distribution, python_version)
    return tuple(found.values())


def is_provided(requirement: str, python_version: str) -> bool:
    """Return whether our copy of pytest satisfies a requirement on that Python.

    It also does if the requirement does not apply to that Python.
    """
    wanted = Requirement(requirement)
    if wanted.marker is not None and not wanted.marker.evaluate(_marker_values(python_version)):
        return True
    provided = {
        canonicalize_name(each.metadata["Name"]): each
        for each in pytest_distributions(python_version)
    }
    found = provided.get(canonicalize_name(wanted.name))
    return (
        found is not None
        and not wanted.extras
        and wanted.url is None
        and wanted.specifier.contains(found.version, prereleases=True)
    )


def _marker_values(version: str) -> dict[str, str]:
    """Return what environment markers that name the version of Python are compared with."""
    return {"python_full_version": version, "python_version": minor_version(version)}


def pack_copy(
    distributions: Sequence[importlib.metadata.Distribution],
    archive: Path,
    python: Path,
    version: str,
) -> None:
    """Write a tar archive of distributions and the `pytest` command as an environment has them.

    They come with their bytecode, and without scripts of their own. An archive is one file to hand
    to the sandbox, where hundreds would be copied twice.
    """
    site_packages = Path("lib", f"python{minor_version(version)}", "site-packages")
    script = PYTEST_SCRIPT.format(python=python).encode()
    # Modification times are kept, as the bytecode is valid only with that of its source.
    with tarfile.open(archive, "w", dereference=True) as packed:
        for source, name in (file for each in distributions for file in _files(each)):
            packed.add(source, str(site_packages / name), recursive=False, filter=_without_owner)
        member = tarfile.TarInfo("bin/pytest")
        member.size, member.mode = len(script), 0o755
        packed.addfile(member, io.BytesIO(script))


def _without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return a member of an archive without the user and group it belongs to here."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _requirements(distribution: importlib.metadata.Distribution, version: str) -> Iterator[str]:
    """Yield the names of what a distribution requires on that Python, without its extras."""
    values = {"extra": "", **_marker_values(version)}
    for line in distribution.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(values):
            yield requirement.name


def _files(distribution: importlib.metadata.Distribution) -> Iterator[tuple[Path, Path]]:
    """Yield the path of each installed file, and its path relative to site-packages."""
    for file in distribution.files or ():
        source = Path(str(distribution.locate_file(file)))
        if ".." in file.parts or file.suffix == ".pyc" or not source.is_file():
            continue
        yield source, Path(file)
        compiled = Path(cache_from_source(str(source))) if PYTHON.has_suffix(file.name) else None
        if compiled and compiled.is_file():
            yield compiled, Path(file).parent / "__pycache__" / compiled.name
