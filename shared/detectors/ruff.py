"""Ruff, run over a scratch copy of a target's sources. It parses them and never runs them."""

import json
import subprocess
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruff import find_ruff_bin

from shared.detectors.ports import Source
from shared.detectors.rules import SEVERITIES
from shared.detectors.texts import Edit, Fix, split_lines
from shared.kernel.errors import Rejected
from shared.targets.components import component_of
from shared.targets.languages import PYTHON
from shared.targets.paths import is_protected
from shared.targets.tree import Tree

CONFIGS = ("ruff.toml", ".ruff.toml", "pyproject.toml")
SYNTAX_ERROR = "invalid-syntax"
LONGEST, SHORTEST = 120, 88


@dataclass(frozen=True)
class Diagnostic:
    """One thing ruff found. `applicability` is safe, unsafe, or empty where there is no fix."""

    rule: str
    message: str
    path: str
    row: int
    fix: Fix
    applicability: str


@dataclass(frozen=True)
class Settings:
    """What the target says to ruff: whether at all, and the rules it does not want."""

    configured: bool
    unwanted: tuple[str, ...]

    def wants(self, rule: str) -> bool:
        """Whether the target has not turned that rule, or fixing it, off."""
        return not any(each == "ALL" or rule.startswith(each) for each in self.unwanted)


def read_settings(tree: Tree) -> Settings:
    """Ruff's configuration at the root of the target; one that cannot be read is none."""
    for name in ("ruff.toml", ".ruff.toml"):
        if tree.read(name) is not None:
            return _settings(_toml(tree, name))
    table = _toml(tree, "pyproject.toml").get("tool", {})
    section = table.get("ruff") if isinstance(table, dict) else None
    return _settings(section) if isinstance(section, dict) else Settings(False, ())


def _settings(section: dict[str, Any]) -> Settings:
    tables = [section, section.get("lint") if isinstance(section.get("lint"), dict) else {}]
    names = ("ignore", "extend-ignore", "unfixable", "extend-unfixable")
    unwanted = {
        str(rule)
        for table in tables
        for name in names
        for rule in (table or {}).get(name) or ()
        if isinstance(rule, str)
    }
    return Settings(True, tuple(sorted(unwanted)))


def wanted_rules(source: Source) -> list[str]:
    """The rules to look for: of ours, what groundswell.toml and the target's ruff settings leave.

    Raises `Rejected` for a selection that names no rule of ours.
    """
    asked = source.profile.config.code_quality
    settings = read_settings(source.tree)
    for each in (*asked.select, *asked.ignore):
        if not any(rule.startswith(each) for rule in SEVERITIES):
            raise Rejected(
                f"groundswell.toml: code_quality: {each} names no rule of ours.",
                hint=f"Ours: {', '.join(sorted(SEVERITIES))}.",
                code="unknown_rule",
            )
    return [
        rule
        for rule in SEVERITIES
        if settings.wants(rule)
        and (not asked.select or rule.startswith(asked.select))
        and not rule.startswith(asked.ignore)
    ]


def _toml(tree: Tree, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads((tree.read(name) or b"").decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return {}


def sources(source: Source, component: str | None = None) -> dict[str, str]:
    """The Python files of a component, or of all, by path; tests and what is not UTF-8 left out."""
    config, components = source.profile.config, source.profile.components
    found = {}
    for path in source.tree.files():
        if not PYTHON.has_suffix(path) or is_protected(path, config):
            continue
        owner = component_of(path, components)
        if owner is None or component not in {None, owner}:
            continue
        try:
            found[path] = (source.tree.read(path) or b"").decode()
        except UnicodeDecodeError:
            continue
    return found


@contextmanager
def workshop(
    source: Source,
    files: Mapping[str, str],
    scratch: Path,
    *,
    roots: Sequence[str] = ("",),
    line_length: int | None = None,
) -> Iterator["Ruff"]:
    """A scratch folder with these files and the target's ruff configuration; gone afterwards.

    `roots` are where in it a copy of the target begins: "", or something that ends with a slash.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="ruff-") as name:
        folder = Path(name)
        settings = read_settings(source.tree)
        for path, content in configuration(source.tree, settings).items():
            for root in roots:
                write(folder / root / path, content.decode(errors="replace"))
        length = line_length or _line_length(files)
        ruff = Ruff(folder, source.profile.target_version, length, settings)
        ruff.write(files)
        yield ruff


def configuration(tree: Tree, settings: Settings) -> dict[str, bytes]:
    """The files in which the target says something to ruff, if it does."""
    named = [path for path in tree.files() if path.rpartition("/")[2] in CONFIGS]
    return {path: tree.read(path) or b"" for path in named} if settings.configured else {}


def _line_length(files: Mapping[str, str]) -> int:
    """Where nothing is configured: as long as the lines that are there, within reason."""
    longest = max(
        (len(line.rstrip()) for text in files.values() for line in split_lines(text)), default=0
    )
    return min(max(longest, SHORTEST), LONGEST)


def write(path: Path, text: str) -> None:
    """Write a text as it is, making the folders on its way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


class Ruff:
    """Ruff over one folder."""

    def __init__(
        self, folder: Path, target_version: str, line_length: int, settings: Settings
    ) -> None:
        self._folder = folder.resolve()
        self._target_version = target_version
        self._line_length = line_length
        self._isolated = not settings.configured

    def write(self, files: Mapping[str, str]) -> None:
        """Put these texts into the folder."""
        for path, text in files.items():
            write(self._folder / path, text)

    def check(self, rules: Iterable[str], paths: Iterable[str] = (".",)) -> list[Diagnostic]:
        """What ruff finds by these rules, in the order of paths and lines."""
        arguments = ["--output-format", "json", "--exit-zero", "--select", ",".join(rules)]
        said = self._run("check", *arguments, "--", *paths)
        found = [self._diagnostic(each) for each in json.loads(said)]
        return sorted(found, key=lambda each: (each.path, each.row, each.rule))

    def format(self, files: Mapping[str, str]) -> dict[str, str]:
        """These texts as ruff formats them; one it cannot format stays as it is."""
        self.write(files)
        # Which quotes to use is a matter of the whole file, so they stay as they are.
        options = ["--config", "format.quote-style='preserve'"] if self._isolated else []
        self._run("format", *options, "--", *files, expected=(0, 2))
        return {path: (self._folder / path).read_bytes().decode() for path in files}

    def _run(self, command: str, *arguments: str, expected: tuple[int, ...] = (0,)) -> str:
        options = ["--quiet", "--no-cache", "--target-version", self._target_version]
        if self._isolated:
            options += ["--isolated", "--line-length", str(self._line_length)]
        done = subprocess.run(
            [find_ruff_bin(), command, *options, *arguments],
            cwd=self._folder,
            env={"PATH": "/usr/bin:/bin", "RUFF_NO_CACHE": "true"},
            capture_output=True,
            check=False,
        )
        if done.returncode not in expected and not self._isolated:
            # A configuration this ruff does not take must not keep us from looking.
            self._isolated = True
            return self._run(command, *arguments, expected=expected)
        if done.returncode not in expected:
            said = done.stderr.decode(errors="replace")[-500:]
            raise Rejected(f"ruff {command} failed: {said}", code="ruff_failed")
        return done.stdout.decode()

    def _diagnostic(self, each: dict[str, Any]) -> Diagnostic:
        fix = each.get("fix") or {}
        usable = fix.get("applicability") in {"safe", "unsafe"}
        edits = tuple(
            Edit(
                (edit["location"]["row"], edit["location"]["column"]),
                (edit["end_location"]["row"], edit["end_location"]["column"]),
                edit["content"],
            )
            for edit in (fix.get("edits", ()) if usable else ())
        )
        return Diagnostic(
            rule=each["code"] or SYNTAX_ERROR,
            message=each["message"],
            path=str(Path(each["filename"]).relative_to(self._folder)),
            row=each["location"]["row"],
            fix=edits,
            applicability=fix["applicability"] if edits else "",
        )
