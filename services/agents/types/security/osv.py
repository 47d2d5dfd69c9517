"""Records of known vulnerabilities in the OSV format, and the versions that they are about."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from shared.kernel.json_data import read_json

ECOSYSTEM = "PyPI"
START = "0"
MAX_SUMMARY_CHARACTERS = 120


@dataclass(frozen=True)
class Vulnerability:
    """One that a version of a distribution has, and the lowest version that fixes it, if any."""

    id: str
    name: str
    summary: str
    fixed: str


@dataclass(frozen=True)
class OsvRecord:
    """A record as it was published; what is missing or of another form in it says nothing."""

    content: Mapping[str, Any]

    def of(self, name: str, version: str) -> Vulnerability | None:
        """Return the vulnerability that a version has by this record; None if it has not."""
        at = _version(version)
        if at is None or self.content.get("withdrawn"):
            return None
        found = [each for each in self._affected(name) if _is_affected(each, version, at)]
        if not found:
            return None
        fixes = sorted(fix for each in found for fix in _fixes(each) if fix > at)
        summary = " ".join(str(self.content.get("summary", "")).split())
        return Vulnerability(
            str(self.content.get("id", "")),
            name,
            summary[:MAX_SUMMARY_CHARACTERS],
            str(fixes[0]) if fixes else "",
        )

    def _affected(self, name: str) -> Iterator[Mapping[str, Any]]:
        """Yield what the record says about a distribution of PyPI."""
        for each in _list(self.content, "affected"):
            package = each.get("package")
            if isinstance(package, dict) and _is_of_pypi(package, name):
                yield each


def _is_of_pypi(package: Mapping[str, Any], name: str) -> bool:
    """Return whether a package of a record is a distribution of PyPI, by its canonical name."""
    is_same = canonicalize_name(str(package.get("name", ""))) == name
    return is_same and package.get("ecosystem") == ECOSYSTEM


def read_record(content: bytes) -> OsvRecord | None:
    """Return a record; None for a file that is none."""
    try:
        found = read_json(content)
    except ValueError:
        return None
    return OsvRecord(found) if isinstance(found, dict) and "affected" in found else None


def _is_affected(affected: Mapping[str, Any], version: str, at: Version) -> bool:
    """Return whether a version is listed, or in one of the ranges of versions."""
    listed = affected.get("versions")
    if isinstance(listed, list) and version in listed:
        return True
    ranges = [each for each in _list(affected, "ranges") if each.get("type") == "ECOSYSTEM"]
    return any(_contains(each, at) for each in ranges)


def _contains(span: Mapping[str, Any], at: Version) -> bool:
    """Return whether a version is in a range: the last event at or before it counts."""
    inside = False
    for event in sorted(_events(span), key=lambda each: each[1]):
        kind, version = event
        if kind == "introduced" and version <= at:
            inside = True
        elif (kind == "fixed" and version <= at) or (kind == "last_affected" and version < at):
            inside = False
    return inside


def _events(span: Mapping[str, Any]) -> Iterator[tuple[str, Version]]:
    """Yield the events of a range, each with its version."""
    for event in _list(span, "events"):
        for kind, value in event.items():
            version = _version("0.dev0" if value == START else str(value))
            if version is not None:
                yield kind, version


def _fixes(affected: Mapping[str, Any]) -> Iterator[Version]:
    """Yield the versions that fix it."""
    for span in _list(affected, "ranges"):
        yield from (version for kind, version in _events(span) if kind == "fixed")


def _list(content: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the tables in a list; none where there is something else."""
    value = content.get(key)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _version(text: str) -> Version | None:
    """Return a version; None for a text that is none."""
    try:
        return Version(text)
    except InvalidVersion:
        return None
