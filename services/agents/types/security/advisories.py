"""The detector of dependencies with known vulnerabilities, by OSV records that users supply."""

import asyncio
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import ClassVar

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from services.agents.types.security.osv import OsvRecord, Vulnerability, read_record
from services.agents.types.security.section import section
from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding
from shared.detectors.findings import Fingerprints, rule_id
from shared.detectors.ports import Measured, Source
from shared.detectors.texts import split_lines
from shared.targets.declared import locks
from shared.targets.paths import matches

TOOL = "osv"
CODE = "vulnerable-dependency"
RULE = rule_id(TOOL, CODE)
REQUIREMENTS = ("requirements*.txt", "requirements/*.txt", "*requirements.txt")
LOCK_FILES = ("poetry.lock", "uv.lock", "pdm.lock", "pylock.toml", "Pipfile.lock")
MAX_RECORD_BYTES = 1_000_000
HELP = "https://osv.dev/vulnerability/"
# Counted up with each change of what is found.
MEASURING = 1


@dataclass(frozen=True)
class Pin:
    """A distribution in one version, and the line that says so."""

    path: str
    line: int
    name: str
    version: str


class AdvisoryDetector:
    """Finds pinned versions that OSV records in a folder of the target are about.

    Nothing is looked up elsewhere. Without such a folder there are no findings.
    """

    name = "advisories"
    tool = TOOL
    version = f"{TOOL}-{MEASURING}"
    files: ClassVar[tuple[str, ...]] = (*REQUIREMENTS, *LOCK_FILES)
    single_file = False
    security = False
    runs_target_code = False

    async def measure(self, source: Source, paths: Collection[str] | None = None) -> Measured:
        """Return the findings in the files that pin versions, or in those of `paths`."""
        return await asyncio.to_thread(self._measure, source, paths)

    def _measure(self, source: Source, paths: Collection[str] | None) -> Measured:
        """Compare all pins with the records that name them."""
        folder = section(source).advisories.strip("/")
        if not folder:
            return Measured((), {})
        pins = [each for each in _pins(source) if paths is None or each.path in paths]
        records = list(_records(source, folder, {each.name for each in pins}))
        fingerprints = Fingerprints()
        findings = [
            _finding(source, pin, each, fingerprints)
            for pin in pins
            for each in _vulnerabilities(pin, records)
        ]
        return Measured(tuple(findings), {})


def _records(source: Source, folder: str, names: Collection[str]) -> Iterator[OsvRecord]:
    """Yield the records in a folder that mention one of these distributions."""
    mentioned = [re.sub(r"-", "[-_.]", re.escape(each).replace(r"\-", "-")) for each in names]
    pattern = re.compile("|".join(mentioned).encode(), re.IGNORECASE)
    for path in source.tree.files():
        if path.startswith(f"{folder}/") and path.endswith(".json") and names:
            content = source.tree.read(path) or b""
            if len(content) <= MAX_RECORD_BYTES and pattern.search(content):
                record = read_record(content)
                if record is not None:
                    yield record


def _vulnerabilities(pin: Pin, records: Collection[OsvRecord]) -> list[Vulnerability]:
    """Return the vulnerabilities of a pinned version, each once, by id."""
    found = (each.of(pin.name, pin.version) for each in records)
    by_id = {each.id: each for each in found if each is not None}
    return [by_id[each] for each in sorted(by_id)]


def _pins(source: Source) -> Iterator[Pin]:
    """Yield the versions that requirement files pin, and the lock file, in order."""
    for path in source.tree.files():
        if matches(path, REQUIREMENTS):
            yield from _pins_of_requirements(path, source.text(path) or "")
    lock = locks.read(source.tree)
    if lock is not None:
        rows = split_lines(source.text(lock.file) or "")
        for each in lock.constraints:
            name, _, version = each.partition("==")
            yield Pin(lock.file, _row_of(name, rows), canonicalize_name(name), version)


def _pins_of_requirements(path: str, text: str) -> Iterator[Pin]:
    """Yield the requirements of a file that allow one version only."""
    for row, line in enumerate(split_lines(text), 1):
        bare = re.split(r"\s+#|\s--|\\$|^#", line.strip())[0].strip()
        try:
            requirement = Requirement(bare)
        except InvalidRequirement:
            continue
        exact = [each for each in requirement.specifier if each.operator in {"==", "==="}]
        if len(exact) == 1 and not exact[0].version.endswith("*"):
            yield Pin(path, row, canonicalize_name(requirement.name), exact[0].version)


def _row_of(name: str, rows: list[str]) -> int:
    """Return the line of a lock file that names a distribution; the first where none does."""
    quoted = (f'"{name}"', f"'{name}'")
    return next((n for n, row in enumerate(rows, 1) if any(q in row for q in quoted)), 1)


def _finding(source: Source, pin: Pin, found: Vulnerability, fingerprints: Fingerprints) -> Finding:
    """Return the finding for one vulnerability of a pinned version."""
    advice = f"{found.fixed} is the lowest version without it" if found.fixed else "no fix is known"
    summary = f" ({found.summary})" if found.summary else ""
    return Finding(
        rule=RULE,
        severity=Severity.ERROR,
        message=f"{pin.name} {pin.version} has {found.id}{summary}; {advice}",
        path=pin.path,
        line=pin.line,
        end_line=pin.line,
        help_uri=HELP + found.id,
        fingerprint=fingerprints.next(TOOL, CODE, pin.path, f"{pin.name} {found.id}"),
        component=_component(source, pin.path),
        tool=TOOL,
    )


def _component(source: Source, path: str) -> str:
    """Return the component that owns a path, or the only one that there is."""
    names = [each.name for each in source.profile.components]
    return source.component(path) or (names[0] if len(names) == 1 else "")
