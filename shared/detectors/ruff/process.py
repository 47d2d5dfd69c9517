"""Ruff as a process over a scratch copy of a target's sources."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import structlog
from ruff import find_ruff_bin

from shared.detectors.line_length import usual_line_length
from shared.detectors.ports import Source
from shared.detectors.processes import run_tool
from shared.detectors.ruff.black import format_options
from shared.detectors.ruff.configuration import Configuration, read_configuration
from shared.detectors.texts import Edit, Edits
from shared.kernel.errors import ToolFailed
from shared.targets.writer import FolderWriter

log = structlog.get_logger(__name__)
T = TypeVar("T")
# (path) -> options of the formatter for that file.
FormatOptions = Callable[[str], tuple[str, ...]]

SYNTAX_ERROR = "invalid-syntax"
ERROR_TAIL_CHARACTERS = 500
OLDEST_KNOWN_PYTHON = (3, 7)
ROOT_FILE = "ruff.toml"
ROOT_SETTINGS = "line-length = {}\n[format]\nquote-style = 'preserve'\n"


@dataclass(frozen=True)
class Diagnostic:
    """One finding as ruff reports it; `code` is the rule's, lines and columns count from 1.

    `applicability` is safe, unsafe, or empty where there is no usable fix.
    """

    code: str
    message: str
    path: str
    row: int
    end_row: int
    url: str
    edits: Edits
    applicability: str
    column: int = 1


@contextmanager
def scratch_copy(
    source: Source,
    files: Mapping[str, str],
    scratch: Path,
    *,
    roots: Sequence[str] = ("",),
    line_length: int | None = None,
) -> Iterator["Ruff"]:
    """Open a scratch directory with these files and the target's ruff configuration.

    `roots` are where in it a copy of the target begins: "", or a path that ends with a slash.
    The directory is deleted on exit.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    sources = [path.removeprefix(each) for each in roots for path in files if path.startswith(each)]
    configuration = read_configuration(source.tree, sources)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="ruff-") as name:
        folder = Path(name)
        length = line_length or usual_line_length(files.values())
        options = partial(format_options, source.tree)
        ruff = Ruff(folder, _target_version(source), length, configuration, options)
        for path, content in configuration.files.items():
            text = content.decode(errors="replace")
            ruff.write({f"{root}{path}": text for root in roots})
        if configuration.folders and not configuration.has_root:
            # For what is beside the folders that are configured; a file above them all.
            ruff.write({ROOT_FILE: ROOT_SETTINGS.format(length)})
        ruff.write(files)
        yield ruff


def _target_version(source: Source) -> str:
    """Return the oldest Python of a target as ruff names it, or the oldest that ruff knows."""
    major, minor = max(source.profile.oldest_python, OLDEST_KNOWN_PYTHON)
    return f"py{major}{minor}"


@cache
def _ruff() -> str:
    """Return the path of ruff's program, which takes a millisecond to find."""
    return str(find_ruff_bin())


class _RuffCrashed(Exception):
    """Ruff was ended by a signal."""


class Ruff:
    """Ruff over one directory.

    `problem` says why it does not accept the target's configuration, once it was asked something.
    """

    def __init__(
        self,
        folder: Path,
        target_version: str,
        line_length: int,
        configuration: Configuration,
        format_options: FormatOptions = lambda _: (),
    ) -> None:
        self._folder = folder.resolve()
        self._target_version = target_version
        self._format_options = format_options
        self._line_length = line_length
        self._isolated = not configuration.folders
        self.configuration = configuration
        self.problem = configuration.problem
        # In the order in which they were written.
        self._written: dict[str, None] = {}

    def write(self, files: Mapping[str, str]) -> None:
        """Write these texts into the directory."""
        with FolderWriter(self._folder) as writer:
            for path, text in files.items():
                writer.replace(path, text.encode())
        self._written.update(dict.fromkeys(files))

    def check(self, codes: Iterable[str], paths: Iterable[str] = (".",)) -> list[Diagnostic]:
        """Return what these rules find, in the order of paths and lines.

        Raises `ToolFailed` where ruff fails.
        """
        arguments = ["--output-format", "json", "--exit-zero", "--select", ",".join(codes)]
        outputs = self._surviving(
            lambda some: self._run("check", *arguments, paths=some), tuple(paths)
        )
        found = [self._diagnostic(each) for output in outputs for each in json.loads(output)]
        return sorted(found, key=lambda each: (each.path, each.row, each.code))

    def format(self, files: Mapping[str, str]) -> dict[str, str]:
        """Return these texts as ruff formats them; one that it cannot format is unchanged."""
        self.write(files)
        by_options: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for path in files:
            by_options[self._format_options(path) or self._own_options()].append(path)
        for options, paths in by_options.items():
            self._surviving(partial(self._format, options), paths)
        return {path: self._text_now(path, text) for path, text in files.items()}

    def _own_options(self) -> tuple[str, ...]:
        """Return the options of the formatter for a target that does not configure it."""
        # Which quotes to use is a matter of the whole file, so they stay as they are.
        return ("--config", "format.quote-style='preserve'") if self._isolated else ()

    def _format(self, options: Sequence[str], paths: Sequence[str]) -> str:
        """Format these files in the directory."""
        return self._run("format", *options, paths=paths, expected=(0, 2))

    def _text_now(self, path: str, text: str) -> str:
        """Return the text of a file in the directory, and `text` where it was left out."""
        file = self._folder / path
        return file.read_bytes().decode() if file.exists() else text

    def _surviving(self, run: Callable[[Sequence[str]], T], paths: Sequence[str]) -> list[T]:
        """Run ruff on these paths, and again without the files that make it crash.

        Deeply nested code overflows its stack. Such files are found by halving, and removed.
        """
        try:
            return [run(paths)]
        except _RuffCrashed as error:
            files = [each for path in paths for each in self._files_below(path)]
            if len(files) == 1:
                log.warning("file_left_out", path=files[0], reason=str(error))
                (self._folder / files[0]).unlink()
                return []
            half = len(files) // 2
            return [
                each
                for part in (files[:half], files[half:])
                if part
                for each in self._surviving(run, part)
            ]

    def _files_below(self, path: str) -> list[str]:
        """Return the files that we wrote at or below a path and that are still there."""
        found = [each for each in self._written if path in {".", each}]
        return [each for each in found if (self._folder / each).exists()]

    def _run(
        self,
        command: str,
        *arguments: str,
        paths: Sequence[str],
        expected: tuple[int, ...] = (0,),
    ) -> str:
        """Run a command of ruff on paths and return what it prints.

        If ruff does not accept the target's configuration, it runs again without it. Raises
        `_RuffCrashed` where a signal ended it, and `Rejected` for an exit code not `expected`.
        """
        options = ["--quiet", "--no-cache", "--force-exclude"]
        options += ["--target-version", self._target_version]
        if self._isolated:
            options += ["--isolated", "--line-length", str(self._line_length)]
        done = run_tool(
            [_ruff(), command, *options, *arguments, "--", *paths],
            cwd=self._folder,
            env={"PATH": "/usr/bin:/bin", "RUFF_NO_CACHE": "true"},
        )
        if done.returncode < 0:
            raise _RuffCrashed(f"ruff {command} was ended by signal {-done.returncode}")
        if done.returncode not in expected and not self._isolated:
            # A configuration that this ruff does not accept must not prevent a measurement.
            self._isolated = True
            self.problem = self._cause(done.stderr)
            return self._run(command, *arguments, paths=paths, expected=expected)
        if done.returncode not in expected:
            output = done.stderr.decode(errors="replace")[-ERROR_TAIL_CHARACTERS:]
            raise ToolFailed(f"ruff {command} failed: {output}", code="ruff_failed")
        return done.stdout.decode()

    def _cause(self, errors: bytes) -> str:
        """Return why ruff failed, in one line and without the path of the directory."""
        lines = errors.decode(errors="replace").replace(f"{self._folder}/", "").splitlines()
        causes = [each.partition("Cause: ")[2] or each for each in lines if each.strip(" |^")]
        return " ".join(" ".join(causes[1:]).split())[:ERROR_TAIL_CHARACTERS]

    def _diagnostic(self, each: dict[str, Any]) -> Diagnostic:
        """Return a finding in ruff's JSON output as a `Diagnostic`."""
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
        row = each["location"]["row"]
        return Diagnostic(
            code=each["code"] or SYNTAX_ERROR,
            message=each["message"],
            path=str(Path(each["filename"]).relative_to(self._folder)),
            row=row,
            end_row=max(row, (each.get("end_location") or {}).get("row", row)),
            url=each.get("url") or "",
            edits=edits,
            applicability=fix["applicability"] if edits else "",
            column=each["location"]["column"],
        )
