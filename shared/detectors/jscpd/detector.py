"""The detector of duplicated code. What it finds is advice."""

import asyncio
import importlib.metadata
import re
import shutil
import sysconfig
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding
from shared.detectors.findings import Fingerprints, rule_id
from shared.detectors.ports import Measured, Source
from shared.detectors.processes import run_tool
from shared.detectors.rule_choice import RuleChoice
from shared.detectors.sources import owned_texts
from shared.detectors.texts import line_at, split_lines
from shared.kernel.errors import ToolFailed
from shared.targets.languages import JAVASCRIPT, PYTHON
from shared.targets.writer import FolderWriter

TOOL = CODE = "jscpd"
SUFFIXES = (*PYTHON.suffixes, *JAVASCRIPT.suffixes)
# Shorter ones are rarely worth a function of their own.
MIN_TOKENS, MIN_LINES = 100, 10
TIMEOUT_SECONDS = 60.0
MAX_FINDINGS = 1000
MAX_REMEMBERED_TREES = 4
# Tests repeat themselves, so that each can be read alone.
TESTS = re.compile(
    r"(^|/)(tests?|testing|__tests__|spec)/|(^|/)(test_[^/]*|[^/]*[._](test|spec))\."
)
ERROR_TAIL_CHARACTERS = 500


class _Place(BaseModel):
    """One side of a clone, as jscpd reports it."""

    model_config = ConfigDict(extra="ignore")

    name: str
    start: int = Field(ge=1)
    end: int = Field(ge=1)


class _Clone(BaseModel):
    """A clone, as jscpd reports it."""

    model_config = ConfigDict(extra="ignore")

    first: _Place = Field(alias="firstFile")
    second: _Place = Field(alias="secondFile")
    tokens: int


class _Report(BaseModel):
    """The part of jscpd's report that is read."""

    model_config = ConfigDict(extra="ignore")

    duplicates: tuple[_Clone, ...]


def find_jscpd() -> str:
    """Return the path of the program. Raises `FileNotFoundError` where it is missing."""
    found = shutil.which(TOOL, path=sysconfig.get_path("scripts")) or shutil.which(TOOL)
    if found is None:
        raise FileNotFoundError(2, "No such program", TOOL)
    return found


class DuplicatesDetector:
    """Code that is written twice, in Python, JavaScript and TypeScript, outside of tests."""

    name: ClassVar[str] = TOOL
    tool: ClassVar[str] = TOOL
    files: ClassVar[tuple[str, ...]] = tuple(f"*{suffix}" for suffix in SUFFIXES)
    single_file: ClassVar[bool] = False
    security: ClassVar[bool] = False
    runs_target_code: ClassVar[bool] = False

    def __init__(self, scratch: Path, choice: Callable[[Source], RuleChoice]) -> None:
        self._scratch = scratch
        self._choice = choice
        self._known: dict[tuple[str, str], Measured] = {}

    @property
    def version(self) -> str:
        """The version of jscpd, and from how many tokens and lines on it reports."""
        return f"{TOOL}-{importlib.metadata.version(TOOL)}-{MIN_TOKENS}-{MIN_LINES}"

    async def measure(self, source: Source, paths: Collection[str] | None = None) -> Measured:
        """Return what is duplicated in the components, or of that what is in the files `paths`."""
        if not self._choice(source).includes(CODE):
            return Measured((), {})
        key = (source.tree.oid, source.profile.model_dump_json())
        if key not in self._known:
            self._known[key] = await asyncio.to_thread(self._measure, source)
            for old in list(self._known)[:-MAX_REMEMBERED_TREES]:
                del self._known[old]
        found = self._known[key]
        if paths is None:
            return found
        return Measured(tuple(each for each in found.findings if each.path in paths), {})

    def _measure(self, source: Source) -> Measured:
        """Run jscpd over a copy of the components' files; it blocks."""
        wanted = owned_texts(source, lambda p: p.endswith(SUFFIXES) and not TESTS.search(p))
        if not wanted.texts:
            return Measured((), {})
        self._scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._scratch, prefix="jscpd-") as name:
            report = run_jscpd(Path(name), wanted.texts)
        found = tuple(_findings(source, wanted.texts, report))
        more = f"Of {len(found)} duplicates only the first {MAX_FINDINGS} are looked at."
        return Measured(found[:MAX_FINDINGS], {}, (more,) if len(found) > MAX_FINDINGS else ())


def run_jscpd(folder: Path, texts: Mapping[str, str]) -> _Report:
    """Write files below a folder, and return what jscpd says about them.

    Raises `ToolFailed` where it fails, or says what cannot be read.
    """
    with FolderWriter(folder / "source") as writer:
        for path, text in sorted(texts.items()):
            writer.create(path, text.encode())
    (folder / "config.json").write_text("{}")
    options = [*("--reporters", "json"), *("--output", str(folder / "report"))]
    options += [*("--min-tokens", str(MIN_TOKENS)), *("--min-lines", str(MIN_LINES))]
    options += ["--mode", "weak", "--no-gitignore", "--silent"]
    options += ["--config", str(folder / "config.json")]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    done = run_tool(
        [find_jscpd(), *options, "."],
        cwd=folder / "source",
        env=environment,
        timeout=TIMEOUT_SECONDS,
    )
    written = folder / "report" / "jscpd-report.json"
    if done.returncode or not written.exists():
        errors = done.stderr.decode(errors="replace")[-ERROR_TAIL_CHARACTERS:]
        raise ToolFailed(f"jscpd ended with {done.returncode} and no report. {errors}".strip())
    return read_report(written.read_bytes())


def read_report(content: bytes) -> _Report:
    """Return a report of jscpd. Raises `ToolFailed` where it is something else."""
    try:
        return _Report.model_validate_json(content)
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise ToolFailed(f"jscpd wrote a report that cannot be read: {problem}.") from None


def _findings(source: Source, texts: Mapping[str, str], report: _Report) -> Iterator[Finding]:
    """Yield one finding for each pair of equal places, in the order of paths and lines."""
    fingerprints = Fingerprints()
    pairs = [sorted((e.first, e.second), key=_by_place) for e in report.duplicates]
    known = [pair for pair in pairs if all(each.name in texts for each in pair)]
    for one, other in sorted(known, key=lambda pair: [_by_place(each) for each in pair]):
        line = line_at(split_lines(texts[one.name]), one.start)
        yield Finding(
            rule=rule_id(TOOL, CODE),
            severity=Severity.NOTE,
            message=_message(one, other),
            path=one.name,
            line=one.start,
            end_line=one.end,
            fingerprint=fingerprints.next(TOOL, CODE, one.name, f"{other.name} {line}"),
            component=source.component(one.name),
            tool=TOOL,
        )


def _by_place(place: _Place) -> tuple[str, int]:
    """Return the path and line of a place, by which places are sorted."""
    return place.name, place.start


def _message(one: _Place, other: _Place) -> str:
    """Return what is written twice, and what to do about it."""
    lines = one.end - one.start + 1
    return (
        f"These {lines} lines are also at {other.name}:{other.start}. Move them into one function "
        "that both call, with what differs as its arguments, and its name says what it is for."
    )
