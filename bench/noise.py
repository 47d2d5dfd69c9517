"""Whether landed commits are noise: layout alone, hunks that say the same, lines edited twice."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.targets import git

# What formatters add and drop; they replace single quotes by double ones.
LAYOUT = re.compile(r"[\s,()\\]+")
CALL = "\N{SYMBOL FOR NULL}"
HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def count_noise(path: Path, commits: Sequence[str]) -> dict[str, int]:
    """Count the ways in which commits of a repository, oldest first, are noise.

    layout only: a commit of which no hunk says anything new. unrelated hunks: such a hunk in any
    other commit. edited twice: lines that one commit wrote and another one of them edits.
    """
    layout = unrelated = twice = 0
    for commit in commits:
        hunks = list(_hunks(path, commit))
        empty = sum(_says_the_same(*each) for _, _, *each in hunks)
        layout += bool(hunks) and empty == len(hunks)
        unrelated += empty if empty < len(hunks) else 0
        twice += sum(
            bool(_authors(path, commit, file, first, len(old)) & {*commits})
            for file, first, old, _ in hunks
        )
    return {"layout only": layout, "unrelated hunks": unrelated, "edited twice": twice}


def _hunks(path: Path, commit: str) -> Iterator[tuple[str, int, list[str], list[str]]]:
    """Yield the file, first old line, old lines and new lines of each hunk of a commit."""
    file = ""
    found: tuple[str, int, list[str], list[str]] | None = None
    for line in git(path, "show", "--format=", "-U0", "--no-renames", commit).splitlines():
        if line.startswith("--- "):
            file = line.removeprefix("--- ").removeprefix("a/")
        elif match := HUNK.match(line):
            if found:
                yield found
            found = (file, int(match[1]), [], [])
        elif found and line[:1] in {"-", "+"} and not line.startswith("+++ "):
            (found[2] if line[0] == "-" else found[3]).append(line[1:])
        elif line.startswith("diff --git") and found:
            yield found
            found = None
    if found:
        yield found


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


def _authors(path: Path, commit: str, file: str, first: int, count: int) -> set[str]:
    """Return the commits that wrote these lines of a file as it was before a commit."""
    if not count:
        return set()
    lines = f"{first},+{count}"
    said = git(path, "blame", "-l", "-s", "--no-abbrev", "-L", lines, f"{commit}^", "--", file)
    return {each.split()[0].lstrip("^") for each in said.splitlines()}
