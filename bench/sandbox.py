"""The overhead of a sandbox, compared with a bare spawn, and of the steps around a sandboxed run.

The peer of each tier is the same command spawned by asyncio without a sandbox, in turn with it. The
limits: 15 ms over a bare spawn, 50 ms to reuse an environment, 30 ms to export 25,000 lines, 20 ms
to compose and land a commit. Tiers that this machine does not support have no row.

The steps are measured in a memory file system, if there is one, so that the limits bound our own
work. The rows "on disk" are the same steps below TMPDIR. There, ext4 without a journal, as on small
virtual machines, skips every inode that was freed in the last minutes, so that a hundred new files
take 2 ms or 80 ms, depending on what was deleted before.
"""

import asyncio
import os
import shutil
import statistics
import sysconfig
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.harness import Result, main
from bench.targets import as_repository, git
from services.validator.git.adapters.repository import GitRepository
from shared.contracts.documents.targets import Target
from shared.environments.build import UvEnvironments
from shared.kernel.clock import utc_now
from shared.kernel.ids import uuid7
from shared.sandbox import configuration
from shared.sandbox.choice import TIERS, assess_tier
from shared.sandbox.ports import Command
from shared.sandbox.scratch import Scratch
from shared.sandbox.supervised import SupervisedSandbox
from shared.targets.mirror import Mirror
from shared.targets.patches import make_patch
from shared.targets.profile import profile_target

REPETITIONS, QUICK_REPETITIONS = 40, 3
MAX_START_MS, MAX_REUSE_MS, MAX_EXPORT_MS, MAX_LAND_MS = 15.0, 50.0, 30.0, 20.0
EXPORTED_LINES = 25_000
# Files of a usual size: no stubs, no giants.
MIN_FILE_LINES, MAX_FILE_LINES = 50, 500
MS_PER_SECOND = 1000
TRUE = "/usr/bin/true"
MEMORY_FILE_SYSTEM = Path("/dev/shm")  # noqa: S108
BARE = "bare spawn"
REUSE_ROW = "reuse of an environment"


def run(quick: bool) -> Result:
    """Report the median of each step in milliseconds."""
    with TemporaryDirectory(prefix="groundswell-bench-") as folder:
        Path(folder).chmod(0o755)
        rows = asyncio.run(measure(Path(folder), QUICK_REPETITIONS if quick else REPETITIONS))
    held = [row["ms"] <= row["limit"] for row in rows if row["limit"]]
    bar = "start <= 15 ms over a bare spawn; reuse <= 50, export <= 30, land <= 20 ms"
    return Result("sandbox", bar, rows, all(held))


async def measure(folder: Path, repetitions: int) -> list[dict[str, Any]]:
    """Return the rows of all tiers and steps."""
    rows = await start_rows(folder, repetitions)
    if not os.access(MEMORY_FILE_SYSTEM, os.W_OK):
        return [*rows, *await step_rows(folder, repetitions)]
    with TemporaryDirectory(prefix="groundswell-bench-", dir=MEMORY_FILE_SYSTEM) as memory:
        rows += await step_rows(Path(memory), repetitions)
    on_disk = [each for each in await step_rows(folder, repetitions) if each["target"] != REUSE_ROW]
    return rows + [row(f"{each['target']}, on disk", each["ms"], 0.0) for each in on_disk]


async def start_rows(folder: Path, repetitions: int) -> list[dict[str, Any]]:
    """Return a row for a bare spawn, and one for what each tier takes on top of it."""
    scratch = Scratch(folder / "runs", uuid7)
    sandboxes = await supported_sandboxes(folder, scratch)
    async with scratch.workspace() as workspace:
        for each in ("tree", "run"):
            (workspace / each).mkdir()
        command = Command(argv=(TRUE,), tree=workspace / "tree", scratch=workspace / "run")
        medians = await median_starts(sandboxes, command, repetitions)
    for sandbox in sandboxes.values():
        await sandbox.close()
    scratch.close()
    bare = medians.pop(BARE)
    # A container is for machines without user namespaces; its start time has no limit.
    limited = {TIERS["bubblewrap"].label, TIERS["landlock"].label}
    return [
        row(BARE, bare, 0.0, of_bare=1.0),
        *(
            row(
                f"{tier}, over a bare spawn",
                median - bare,
                MAX_START_MS if tier in limited else 0.0,
                of_bare=median / bare,
            )
            for tier, median in medians.items()
        ),
    ]


async def supported_sandboxes(folder: Path, scratch: Scratch) -> dict[str, SupervisedSandbox]:
    """Return a sandbox for each tier that this machine supports, by the tier's label."""
    etc, sandboxes = configuration.assemble_etc(folder / "sandbox"), {}
    for name, tier in TIERS.items():
        sandbox = SupervisedSandbox(etc, name, tier.label, tier.isolation)
        if not await assess_tier(sandbox, name, scratch, unsandboxed=True):
            sandboxes[tier.label] = sandbox
    return sandboxes


async def median_starts(
    sandboxes: dict[str, SupervisedSandbox], command: Command, repetitions: int
) -> dict[str, float]:
    """Run a command bare and in each sandbox in turn; return the medians in milliseconds."""
    calls: dict[str, Callable[[], Awaitable[object]]] = {BARE: spawn_bare}
    calls |= {label: partial(each.run, command) for label, each in sandboxes.items()}
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repetitions):
        for name, call in calls.items():
            taken[name].append(await time_call(call))
    return {name: statistics.median(each) for name, each in taken.items()}


async def step_rows(folder: Path, repetitions: int) -> list[dict[str, Any]]:
    """Return how long the steps around a run take: environment, export, and landing."""
    target = new_target(make_repository(folder / "target"))
    mirror = Mirror.at(folder, target.id)
    repository = GitRepository(mirror)
    head = repository.refresh(target).commit
    exports = list(time_exports(mirror, head, folder / "exported", repetitions))
    landings = list(time_landings(repository, target, mirror, repetitions))
    reuse = await time_reuse(folder, mirror, head, repetitions)
    return [
        row(REUSE_ROW, statistics.median(reuse), MAX_REUSE_MS),
        row(f"export of {EXPORTED_LINES} lines", statistics.median(exports), MAX_EXPORT_MS),
        row("compose and land a commit", statistics.median(landings), MAX_LAND_MS),
    ]


def new_target(path: Path) -> Target:
    """Return a target document for the repository at `path`."""
    return Target(
        id=uuid7(),
        location=str(path),
        root_commit=git(path, "rev-parse", "HEAD"),
        name="target",
        base_branch="main",
        landing_branch="groundswell/main",
        created_at=utc_now(),
    )


def time_exports(mirror: Mirror, head: str, into: Path, repetitions: int) -> Iterator[float]:
    """Yield the milliseconds of each export of a commit."""
    for _ in range(repetitions):
        started = time.perf_counter()
        mirror.tree(head).export(into)
        yield elapsed_ms(started)
        # The workspace of a run is deleted after it as well.
        shutil.rmtree(into)


def time_landings(
    repository: GitRepository, target: Target, mirror: Mirror, repetitions: int
) -> Iterator[float]:
    """Yield the milliseconds from a patch to a commit on the target's branch."""
    for number in range(repetitions):
        head = repository.refresh(target).commit
        path = f"package/module_{number}.py"
        before = mirror.tree(head).read(path) or b""
        patch = make_patch({path: (before, before + b"MORE = 1\n")})
        started = time.perf_counter()
        tree = repository.compose(head, [("e", patch)]).tree
        tip = repository.commit(tree, head, f"change {number}\n", utc_now())
        refusal = repository.publish(target, tip, head)
        yield elapsed_ms(started)
        assert refusal is None, refusal


async def time_reuse(folder: Path, mirror: Mirror, head: str, repetitions: int) -> list[float]:
    """Build an environment, then return the milliseconds of each reuse of it."""
    scratch = Scratch(folder / "work", uuid7)
    etc = configuration.assemble_etc(folder / "sandbox")
    sandbox = SupervisedSandbox(etc, "rlimits", "D", "")
    tree = mirror.tree(head)
    environments = UvEnvironments(folder, sandbox, scratch, lambda *_: mirror.tree(head))
    profile = profile_target(tree)
    await environments.prepare("t", profile, tree.oid)
    taken = [
        await time_call(lambda: environments.prepare("t", profile, tree.oid))
        for _ in range(repetitions)
    ]
    await sandbox.close()
    scratch.close()
    return taken


async def spawn_bare() -> None:
    """Run the command without a sandbox."""
    process = await asyncio.create_subprocess_exec(TRUE, stdout=asyncio.subprocess.PIPE)
    await process.communicate()


async def time_call(call: Callable[[], Awaitable[object]]) -> float:
    """Await one call and return the milliseconds it took."""
    started = time.perf_counter()
    await call()
    return elapsed_ms(started)


def elapsed_ms(started: float) -> float:
    """Return the milliseconds since a reading of `time.perf_counter`."""
    return MS_PER_SECOND * (time.perf_counter() - started)


def row(target: str, ms: float, limit: float, of_bare: float = 0.0) -> dict[str, Any]:
    """Return one row; a limit of 0 is none, and so is an `of_bare` of 0."""
    return {
        "target": target,
        "ms": ms,
        "limit": limit,
        "of limit": ms / limit if limit else "",
        "x bare": of_bare or "",
    }


def make_repository(path: Path) -> Path:
    """Make a repository of one test and 25,000 lines of Python's standard library."""
    library, lines, number = Path(sysconfig.get_path("stdlib")), 0, 0
    (path / "package").mkdir(parents=True)
    for module in sorted(library.glob("*.py")) + sorted(library.glob("[a-su-z]*/*.py")):
        text = module.read_bytes()
        count = text.count(b"\n")
        if lines < EXPORTED_LINES and MIN_FILE_LINES < count < MAX_FILE_LINES:
            (path / "package" / f"module_{number}.py").write_bytes(text)
            lines, number = lines + count, number + 1
    assert lines >= EXPORTED_LINES, lines
    (path / "test_it.py").write_text("def test_it():\n    pass\n")
    return as_repository(path)


if __name__ == "__main__":
    os.environ.setdefault("UV_OFFLINE", "1")
    main("sandbox", run)
