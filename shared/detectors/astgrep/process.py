"""Running ast-grep over a scratch copy of files. It parses code, and never runs any."""

import re
import shutil
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.detectors.processes import run_tool
from shared.kernel.errors import ToolFailed
from shared.targets.writer import FolderWriter

PROGRAM = "ast-grep"
TIMEOUT_SECONDS = 60.0
MAX_MATCHES = 5_000
MAX_OUTPUT_BYTES = 128 << 20
MAX_MEMORY_BYTES = 4 << 30
THREADS = 2
MAX_ERROR_CHARACTERS = 500
FOLDER_OF_RULES = re.compile(r"\S*/rules/")
# Lines of errors that are the same for all of them.
NO_NEWS = ("Help:", "See also:", "Caused by", "Fail to parse yaml")


class _Part(BaseModel):
    """A part of what ast-grep prints; what else it prints is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Span(_Part):
    """Bytes of a file, from `start` up to but without `end`."""

    start: int
    end: int


class _Point(_Part):
    """A place, counted from 0."""

    line: int


class _Range(_Part):
    """The place of a match or of a metavariable."""

    span: _Span = Field(alias="byteOffset")
    start: _Point
    end: _Point


class CapturedNode(_Part):
    """The code that a metavariable stands for."""

    text: str
    range: _Range


class _Metavariables(_Part):
    """The metavariables of a match that stand for a single node, by name."""

    single: Mapping[str, CapturedNode] = {}


class AstGrepMatch(_Part):
    """A place that a rule matches, with what its fix puts there; None without a fix."""

    path: str = Field(alias="file")
    rule: str = Field(alias="ruleId")
    message: str
    range: _Range
    replacement: str | None = None
    replaced: _Span | None = Field(default=None, alias="replacementOffsets")
    captured: _Metavariables = Field(default=_Metavariables(), alias="metaVariables")


def find_ast_grep() -> str:
    """Return the path of the program. Raises `FileNotFoundError` where it is missing."""
    found = shutil.which(PROGRAM, path=sysconfig.get_path("scripts")) or shutil.which(PROGRAM)
    if found is None:
        raise FileNotFoundError(2, "No such program", PROGRAM)
    return found


def run_ast_grep(
    scratch: Path, texts: Mapping[str, str], rules: Mapping[str, str]
) -> list[AstGrepMatch]:
    """Return what rules match in files; both are texts by path, and rules are YAML.

    Utilities of rules are in the folder `utils`. Raises `ToolFailed` where a rule cannot be used,
    or at a limit of time, memory or size.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="ast-grep-") as name:
        folder = Path(name)
        _write(folder / "source", texts)
        _write(folder / "rules", rules)
        return _run(folder)


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    """Write texts below a folder, by their paths."""
    with FolderWriter(folder) as writer:
        for path, text in sorted(texts.items()):
            writer.create(path, text.encode())


def _run(folder: Path) -> list[AstGrepMatch]:
    """Run ast-grep in a folder with sources and rules, and return its matches."""
    # Paths that a rule names are relative to the folder of the configuration.
    configuration = folder / "source" / ".groundswell-ast-grep.yml"
    settings = {"ruleDirs": ["../rules"], "utilDirs": ["../rules/utils"]}
    configuration.write_text(yaml.safe_dump(settings))
    (folder / "rules" / "utils").mkdir(exist_ok=True)
    output = folder / "matches"
    options = ["--config", configuration.name, "--json=stream", "--threads", str(THREADS)]
    options += ["--max-results", str(MAX_MATCHES + 1)]
    options += [word for kind in ("hidden", "dot", "vcs") for word in ("--no-ignore", kind)]
    done = run_tool(
        [find_ast_grep(), "scan", *options, "."],
        cwd=folder / "source",
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
        timeout=TIMEOUT_SECONDS,
        output=output,
        max_output_bytes=MAX_OUTPUT_BYTES,
        max_memory_bytes=MAX_MEMORY_BYTES,
    )
    # Matches of a rule whose severity is `error` make it exit with 1.
    if done.returncode not in {0, 1} or (done.returncode and not output.stat().st_size):
        said = _said(done.stderr.decode(errors="replace"))
        why = f"refuses: {said}" if said else f"ended with {done.returncode}."
        raise ToolFailed(f"{PROGRAM} {why}", code="ast_grep_failed")
    return read_matches(output.read_bytes())


def _said(errors: str) -> str:
    """Return in one line what ast-grep says is wrong, without its general help."""
    errors = FOLDER_OF_RULES.sub("", errors.partition("\n -->")[0])
    lines = [each.strip(" ╰▻✖").removeprefix("Error: ") for each in errors.splitlines()]
    words = [each for each in lines if each and not each.startswith(NO_NEWS)]
    return "; ".join(each.rstrip(".") for each in words)[:MAX_ERROR_CHARACTERS]


def read_matches(printed: bytes) -> list[AstGrepMatch]:
    """Return the matches that ast-grep printed, one a line. Raises `ToolFailed` for anything else.

    They are in the order of paths and places.
    """
    try:
        found = [AstGrepMatch.model_validate_json(each) for each in printed.splitlines()]
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise ToolFailed(f"{PROGRAM} printed what cannot be read: {problem}.") from None
    return sorted(found, key=lambda each: (each.path, each.range.span.start, each.rule))
