"""Taking landed changes off a real package again: exactly what plain git would leave, or nothing.

On boltons (`--quick`: the bundled example) a wave lands; then the first change of the file that most of them
touch is rolled back, and in the end the whole wave. The peer is `git revert` in a clone: where that
conflicts, the rollback must name what stands in its way and leave the branch alone, and with those
taken along it must leave what reverting all of them leaves. In seconds, tests included.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.harness import Result, main
from bench.targets import copy_example, download

BRANCH = "groundswell/main"


def run(quick: bool) -> Result:
    """One row per rollback."""
    with TemporaryDirectory(prefix="groundswell-bench-") as scratch:
        below = Path(scratch)
        place = copy_example(below) if quick else download("boltons", below)
        rows = Case(place, below).measure()
    bar = "a rollback leaves what git revert leaves, or refuses and leaves the branch alone"
    return Result("rollbacks", bar, rows, all(row["exact"] for row in rows))


@dataclass(frozen=True)
class Case:
    """A target and the directory that everything of the run is in."""

    place: Path
    below: Path

    def measure(self) -> list[dict[str, Any]]:
        """Land, take off one, take off all."""
        report = json.loads(self.groundswell("run", str(self.place), "--json").stdout)
        landed = report["landed"]
        file, touching = Counter(path for each in landed for path in each["files"]).most_common(1)[
            0
        ]
        first = next(each for each in landed if file in each["files"])
        what = f"the first of {touching} changes of {file} ({len(landed)} landed)"
        rows = self.take_off(what, first)
        started = time.perf_counter()
        done = self.groundswell("wave", "rollback", report["wave"])
        seconds = time.perf_counter() - started
        exact = done.returncode == 0 and self.tree(BRANCH) == self.tree("main")
        return [*rows, row(f"the wave of {len(landed)}", "restored", seconds, exact=exact)]

    def take_off(self, what: str, first: dict[str, Any]) -> list[dict[str, Any]]:
        """One change; where it is refused, once more with what depends on it."""
        expected, tip = self.reverted([first["commit"]]), self.tree(BRANCH)
        started = time.perf_counter()
        done = self.groundswell("enhancement", "rollback", first["id"])
        seconds = time.perf_counter() - started
        if done.returncode == 0:
            return [row(what, "restored", seconds, exact=self.tree(BRANCH) == expected)]
        exact = done.returncode == 1 and self.tree(BRANCH) == tip and "depend" in done.stdout
        rows = [row(what, "refused: others depend on it", seconds, exact=exact)]
        started = time.perf_counter()
        done = self.groundswell("enhancement", "rollback", first["id"], "--dependents")
        seconds = time.perf_counter() - started
        gone = self.commits_taken_off()
        exact = done.returncode == 0 and self.tree(BRANCH) == self.reverted(
            gone, of=f"{BRANCH}~{len(gone)}"
        )
        return [
            *rows,
            row(f"the same with {len(gone) - 1} dependents", "restored", seconds, exact=exact),
        ]

    def commits_taken_off(self) -> list[str]:
        """What the reverts at the end of the branch say they take off, newest first."""
        bodies = git(self.place, "log", "--format=%b%x00", f"main..{BRANCH}").split("\0")
        return [
            line.split()[3].rstrip(":")
            for body in reversed([each for each in bodies if "Reverts-Enhancement-Id" in each])
            for line in body.splitlines()
            if line.startswith("This rolls back")
        ]

    def reverted(self, commits: Sequence[str], of: str = BRANCH) -> str:
        """The tree that plain git leaves; empty where it conflicts."""
        clone = self.below / "clone"
        subprocess.run(["rm", "-rf", str(clone)], check=True)
        git(self.below, "clone", "-q", str(self.place), str(clone))
        git(clone, "checkout", "-q", "--detach", git(self.place, "rev-parse", of))
        try:
            git(clone, "revert", "--no-edit", *commits)
        except subprocess.CalledProcessError:
            return ""
        return git(clone, "rev-parse", "HEAD^{tree}")

    def tree(self, revision: str) -> str:
        """The tree of a branch of the target."""
        return git(self.place, "rev-parse", f"{revision}^{{tree}}")

    def groundswell(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Our command line, in a home of its own."""
        home = {"GROUNDSWELL_HOME": str(self.below / "home")}
        return subprocess.run(
            [sys.executable, "-m", "cli", *arguments],
            env={**os.environ, **home},
            capture_output=True,
            text=True,
            check=False,
        )


def row(target: str, outcome: str, seconds: float, *, exact: bool) -> dict[str, Any]:
    """One line."""
    return {"target": target, "outcome": outcome, "s": seconds, "exact": exact}


def git(place: Path, *arguments: str) -> str:
    """What git says."""
    who = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    done = subprocess.run(
        ["git", "-C", str(place), *who, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


if __name__ == "__main__":
    main("rollbacks", run)
