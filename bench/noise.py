"""Whether landed commits are noise: layout alone, hunks that say the same, lines edited twice."""

import ast
import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.targets import git
from shared.kernel.syntax import parse

# What formatters add and drop; they replace single quotes by double ones.
LAYOUT = re.compile(r"[\s,()\\]+")
CALL = "\N{SYMBOL FOR NULL}"
HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def count_noise(path: Path, commits: Sequence[str]) -> dict[str, int]:
    """Count the ways in which commits of a repository, oldest first, are noise.

    layout only: a commit of which no hunk says anything new. unrelated hunks: such a hunk in any
    other commit. edited twice: lines that one commit wrote and another one of them edits, and does
    not only move to another block.
    """
    layout = unrelated = twice = 0
    for commit in commits:
        hunks = list(_hunks(path, commit))
        empty = sum(_says_nothing(path, commit, each) for each in hunks)
        layout += bool(hunks) and empty == len(hunks)
        unrelated += empty if empty < len(hunks) else 0
        twice += sum(not _authors(path, commit, each).isdisjoint(commits) for each in hunks)
    return {"layout only": layout, "unrelated hunks": unrelated, "edited twice": twice}


@dataclass
class _Hunk:
    """Old lines of a file and the new ones in their place, with the numbers of the first ones."""

    file: str
    first: int
    first_new: int
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)


def _hunks(path: Path, commit: str) -> Iterator[_Hunk]:
    """Yield the hunks of a commit."""
    file = ""
    found: _Hunk | None = None
    for line in git(path, "show", "--format=", "-U0", "--no-renames", commit).splitlines():
        if line.startswith("--- "):
            file = line.removeprefix("--- ").removeprefix("a/")
        elif match := HUNK.match(line):
            if found:
                yield found
            found = _Hunk(file, int(match[1]), int(match[3]))
        elif found and line[:1] in {"-", "+"} and not line.startswith("+++ "):
            (found.old if line[0] == "-" else found.new).append(line[1:])
        elif line.startswith("diff --git") and found:
            yield found
            found = None
    if found:
        yield found


def _says_nothing(path: Path, commit: str, hunk: _Hunk) -> bool:
    """Return whether a hunk is layout alone: also without it the commit would say the same.

    Lines of Python that move to another block say something new.
    """
    if not _says_the_same(hunk.old, hunk.new):
        return False
    if not hunk.file.endswith(".py"):
        return True
    command = ["git", "-C", str(path), "show", f"{commit}:{hunk.file}"]
    after = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    start = hunk.first_new - (1 if hunk.new else 0)
    without = [*after[:start], *hunk.old, *after[start + len(hunk.new) :]]
    return _program(after) == _program(without)


def _program(lines: Sequence[str]) -> str:
    """Return a Python program without its layout; empty if it is none."""
    try:
        return ast.dump(parse("\n".join(lines)))
    except (SyntaxError, ValueError):
        return ""


def _says_the_same(old: list[str], new: list[str]) -> bool:
    """Return whether two versions of some lines differ in layout alone."""
    one, other = ("\n".join(each) for each in (old, new))
    # A call without arguments is no layout.
    words = [LAYOUT.sub("", each.replace("()", CALL)).replace("'", '"') for each in (one, other)]
    if words[0] == words[1]:
        return True
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return False


def _authors(path: Path, commit: str, hunk: _Hunk) -> set[str]:
    """Return the commits that wrote the lines which a hunk of another commit edits or removes."""
    if not hunk.old:
        return set()
    lines = f"{hunk.first},+{len(hunk.old)}"
    said = git(path, "blame", "-l", "-s", "--no-abbrev", "-L", lines, f"{commit}^", "--", hunk.file)
    moved = {each.strip() for each in hunk.new}
    authors = [each.split()[0].lstrip("^") for each in said.splitlines()]
    return {
        author for author, line in zip(authors, hunk.old, strict=True) if line.strip() not in moved
    }
