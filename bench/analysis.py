"""How long the detectors of all agent types take, and how that grows with the code.

The code is that of Python's own standard library, which is on every machine: its modules in the
order of their names, until there are as many lines as a row says. Beside it the bare tools that the
detectors wrap are run one after the other on the same files.

"again" is a second measurement of the same files by the same process, which takes longer than what
two waves on an unchanged repository do: the second one reads what the first one stored for the
commit. "CPU" are the seconds of both, and of the tools, on all cores; what else the machine does
changes it less.
"""

import asyncio
import multiprocessing
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pygit2

from bench.harness import Result, main
from bench.targets import as_repository
from services.agents.deps import ServedType
from services.agents.main import serve_type
from shared.agent_types import agent_spec, agent_specs
from shared.detectors.ports import DetectorResources, Source
from shared.targets.profile import profile_target
from shared.targets.tree import GitTree

SIZES, QUICK_SIZES = (5_000, 25_000, 100_000), (400,)
BAR_LINES, BAR_SECONDS, BAR_AGAIN_SECONDS = 25_000, 20.0, 2.0
# What takes twice as long per line as at the smallest size is not linear.
MAX_GROWTH = 2.0
BIN = Path(sys.executable).parent
TOOLS = {
    "ruff": ("ruff", "check", "--quiet", "--exit-zero", "--select", "ALL", "."),
    "vulture": ("vulture", "."),
    "complexipy": ("complexipy", "--quiet", "."),
    "jscpd": ("jscpd", "--silent", "--reporters", "json", "--output", "../report", "."),
    "deptry": ("deptry", "."),
}


def run(quick: bool) -> Result:
    """Measure each size of the standard library."""
    sizes = QUICK_SIZES if quick else SIZES
    with tempfile.TemporaryDirectory(prefix="groundswell-bench-") as scratch:
        rows = [_measure(size, Path(scratch) / str(size), each=not quick) for size in sizes]
    per_line = [row["CPU"] / row["lines"] for row in rows]
    growth = per_line[-1] / per_line[0]
    small = [row for row in rows if row["lines"] <= 1.2 * BAR_LINES]
    worst, again = (max(row[key] for row in small) for key in ("s", "again"))
    return Result(
        name="analysis",
        rows=rows,
        bar=(
            f"all types read {BAR_LINES:,} lines in at most {BAR_SECONDS:.0f} s, again in at most "
            f"{BAR_AGAIN_SECONDS:.0f} s, and 20 times as many take at most {MAX_GROWTH:g} times "
            f"the CPU time per line: {worst:.1f} s, {again:.1f} s, {growth:.2f} times"
        ),
        holds=worst <= BAR_SECONDS and again <= BAR_AGAIN_SECONDS and growth <= MAX_GROWTH,
    )


def _measure(size: int, scratch: Path, *, each: bool) -> dict[str, Any]:
    """Return one row: the seconds of all agent types, of the tools, and of `each` type alone."""
    lines = _write_code(size, scratch / "code")
    repository = as_repository(scratch / "code")
    timed = _time_types(repository, scratch / "work", each=each)
    everything = timed["all"]
    bare = {name: _time_tool(name, repository) for name in TOOLS}
    tools = sum(bare.values())
    return {
        "target": f"{lines:,} lines",
        "lines": lines,
        "s": everything.cold,
        "again": everything.again,
        "CPU": everything.cpu,
        **{name: each.cold for name, each in timed.items() if name != "all"},
        "bare tools": tools,
        "ratio": everything.cold / tools,
    }


class Times(NamedTuple):
    """The seconds of a first and a second measurement, and the CPU seconds of both."""

    cold: float
    again: float
    cpu: float


def _time_types(repository: Path, scratch: Path, *, each: bool) -> dict[str, Times]:
    """Return the times of the detectors of all types side by side, and those of `each` type alone.

    Each measurement has a new process, so that none finds what another one has parsed.
    """
    names = tuple(agent_specs())
    choices = {"all": names, **{name: (name,) for name in names if each}}
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as processes:
        return {
            label: processes.submit(_time_cold, chosen, repository, scratch / label).result()
            for label, chosen in choices.items()
        }


def _time_cold(names: Sequence[str], repository: Path, scratch: Path) -> Times:
    """Return in which time these agent types read the head of a repository side by side, twice."""
    opened = pygit2.Repository(str(repository))
    tree = GitTree(opened, opened.revparse_single("HEAD^{tree}").id)
    source = Source(tree, profile_target(tree))
    served = [serve_type(agent_spec(name), DetectorResources(scratch / name)) for name in names]
    used, moments = _cpu_seconds(), [time.perf_counter()]
    for _ in range(2):
        asyncio.run(_run_side_by_side(served, source))
        moments.append(time.perf_counter())
    cold, again = (end - begin for begin, end in pairwise(moments))
    return Times(cold, again, _cpu_seconds() - used)


def _cpu_seconds() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


async def _run_side_by_side(served: Sequence[ServedType], source: Source) -> None:
    """Run the detectors of agent types, those of different types at once."""
    await asyncio.gather(*(_run_detectors(each, source) for each in served))


async def _run_detectors(served: ServedType, source: Source) -> None:
    """Run the detectors of an agent type that agents run, one after the other."""
    for detector in served.measuring:
        await detector.measure(source)


def _time_tool(name: str, folder: Path) -> float:
    """Return the seconds that a tool takes to read a folder."""
    program, *arguments = TOOLS[name]
    started = time.perf_counter()
    subprocess.run([BIN / program, *arguments], cwd=folder, capture_output=True, check=False)
    return time.perf_counter() - started


def _write_code(size: int, folder: Path) -> int:
    """Copy modules of the standard library until they have `size` lines; return how many."""
    package = folder / "library"
    package.mkdir(parents=True)
    (folder / "pyproject.toml").write_text('[project]\nname = "library"\nversion = "1"\n')
    lines = 0
    for path in _modules():
        if lines >= size:
            break
        into = package / path.relative_to(sysconfig.get_path("stdlib"))
        into.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, into)
        lines += path.read_bytes().count(b"\n")
    return lines


def _modules() -> Iterator[Path]:
    """Yield the modules of the standard library that are no tests and no packages installed."""
    root = Path(sysconfig.get_path("stdlib"))
    for path in sorted(root.rglob("*.py")):
        if not {"site-packages", "test", "tests", "idlelib", "lib2to3"} & set(path.parts):
            yield path


if __name__ == "__main__":
    main("analysis", run)
