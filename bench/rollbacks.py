"""Rollbacks on a real package leave what `git revert` leaves, or change nothing.

A wave lands on boltons (`--quick`: on a small generated target). Then the first change of the
file that most changes touch is rolled back, and at last the whole wave. The peer is `git revert` in
a clone: where it conflicts, the rollback must name the changes that depend on the one to roll back
and leave the branch alone; with `--dependents` it must leave what reverting all of them leaves.
Times are in seconds and include test runs.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.harness import Result, main
from bench.targets import download, git, write_small_target

BRANCH = "groundswell/main"
CLI = (sys.executable, "-m", "cli")
POLL_INTERVAL_SECONDS = 0.1


def run(quick: bool) -> Result:
    """Land a wave and roll it back, with one row per rollback."""
    with TemporaryDirectory(prefix="groundswell-bench-") as scratch:
        directory = Path(scratch)
        path = write_small_target(directory) if quick else download("boltons", directory)
        rows = RollbackSession(path, directory).measure()
    bar = (
        "a rollback gives the tree that git revert gives, or is refused and leaves the branch alone"
    )
    return Result("rollbacks", bar, rows, all(row["exact"] for row in rows))


@dataclass(frozen=True)
class RollbackSession:
    """The repository of a target, and a scratch directory for clones and Groundswell's home."""

    path: Path
    scratch: Path

    def measure(self) -> list[dict[str, Any]]:
        """Land a wave, roll back one change and then the whole wave; return a row for each."""
        with self.stack():
            return self.measure_rows()

    def measure_rows(self) -> list[dict[str, Any]]:
        """Do what `measure` says, in a stack that is running."""
        report = json.loads(self.groundswell("run", str(self.path), "--json").stdout)
        landed = report["landed"]
        changes_by_file = Counter(path for each in landed for path in each["files"])
        [(file, touching)] = changes_by_file.most_common(1)
        first = next(each for each in landed if file in each["files"])
        name = f"the first of {touching} changes of {file} ({len(landed)} landed)"
        rows = self.roll_back_change(name, first)
        done, seconds = self.time_groundswell("wave", "rollback", report["wave"])
        exact = done.returncode == 0 and self.tree(BRANCH) == self.tree("main")
        return [*rows, row(f"the wave of {len(landed)}", "restored", seconds, exact=exact)]

    def roll_back_change(self, name: str, change: dict[str, Any]) -> list[dict[str, Any]]:
        """Roll back one change; if that is refused, again with the changes that depend on it."""
        expected, tip = self.reverted_tree([change["commit"]]), self.tree(BRANCH)
        done, seconds = self.time_groundswell("enhancement", "rollback", change["id"])
        if done.returncode == 0:
            return [row(name, "restored", seconds, exact=self.tree(BRANCH) == expected)]
        exact = done.returncode == 1 and self.tree(BRANCH) == tip and "depend" in done.stdout
        refused = row(name, "refused: others depend on it", seconds, exact=exact)
        return [refused, self.roll_back_dependents(change)]

    def roll_back_dependents(self, change: dict[str, Any]) -> dict[str, Any]:
        """Roll back a change with those that depend on it, and compare with plain reverts."""
        done, seconds = self.time_groundswell(
            "enhancement", "rollback", change["id"], "--dependents"
        )
        gone = self.rolled_back_commits()
        expected = self.reverted_tree(gone, of=f"{BRANCH}~{len(gone)}")
        exact = done.returncode == 0 and self.tree(BRANCH) == expected
        return row(f"the same with {len(gone) - 1} dependents", "restored", seconds, exact=exact)

    def rolled_back_commits(self) -> list[str]:
        """Return the commits that the rollbacks on the branch revert, newest first."""
        bodies = git(self.path, "log", "--format=%b%x00", f"main..{BRANCH}").split("\0")
        return [
            line.split()[3].rstrip(":")
            for body in reversed([each for each in bodies if "Reverts-Enhancement-Id" in each])
            for line in body.splitlines()
            if line.startswith("This rolls back")
        ]

    def reverted_tree(self, commits: Sequence[str], of: str = BRANCH) -> str:
        """Return the tree after `git revert` of commits on a revision; empty if it conflicts."""
        clone = self.scratch / "clone"
        subprocess.run(["rm", "-rf", str(clone)], check=True)
        git(self.scratch, "clone", "-q", str(self.path), str(clone))
        git(clone, "checkout", "-q", "--detach", git(self.path, "rev-parse", of))
        try:
            git(clone, "revert", "--no-edit", *commits)
        except subprocess.CalledProcessError:
            return ""
        return git(clone, "rev-parse", "HEAD^{tree}")

    def tree(self, revision: str) -> str:
        """Return the tree of a revision of the target."""
        return git(self.path, "rev-parse", f"{revision}^{{tree}}")

    @contextmanager
    def stack(self) -> Iterator[None]:
        """Keep a stack running in the `with` block, as each command would else start its own."""
        process = subprocess.Popen([*CLI, "up", "--port", "0"], env=self.environment)
        try:
            while not (self.home / "stack.json").exists():
                if process.poll() is not None:
                    raise SystemExit("groundswell up failed")
                time.sleep(POLL_INTERVAL_SECONDS)
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()

    @property
    def home(self) -> Path:
        """Groundswell's home directory."""
        return self.scratch / "home"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of commands, with a home directory of their own."""
        return {**os.environ, "GROUNDSWELL_HOME": str(self.home)}

    def groundswell(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run Groundswell's command line with a home directory of its own."""
        return subprocess.run(
            [*CLI, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def time_groundswell(self, *arguments: str) -> tuple["subprocess.CompletedProcess[str]", float]:
        """Run Groundswell's command line; return the finished process and the seconds it took."""
        started = time.perf_counter()
        done = self.groundswell(*arguments)
        return done, time.perf_counter() - started


def row(target: str, outcome: str, seconds: float, *, exact: bool) -> dict[str, Any]:
    """Return one row; `exact` is whether the branch is as `git revert` would leave it."""
    return {"target": target, "outcome": outcome, "s": seconds, "exact": exact}


if __name__ == "__main__":
    main("rollbacks", run)
