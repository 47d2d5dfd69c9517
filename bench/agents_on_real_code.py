"""What waves of all agent types land on real repositories, without an API key.

Each repository (`bench.real_repositories`) is improved as a user would do it: large waves of all
types, in the sandbox, until one lands nothing or there were three, under the policy that its
`groundswell.toml` there sets. Nobody approves anything. A row tells what became of the proposals of
one type on one repository, by the documents that the stack stored; the last ones tell in how many
ways the landed commits are noise. There is no peer: the claim is about counts.

What is measured of a repository can be kept in a folder (GROUNDSWELL_BENCH_KEEP), and is not
measured again as long as it is there. docs/examples/landed.md is written from all of them.
"""

import asyncio
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.gate_stack import stack_store
from bench.harness import Result, main
from bench.landed_page import write_page
from bench.noise import count_noise
from bench.outcome_by_type import Wave, landed_changes, rows_by_type
from bench.real_repositories import COMMON_POLICY, REPOSITORIES, RealRepository, with_policy
from bench.targets import git, write_small_target
from deploy.local import local_stack
from shared.contracts.base import WaveSize
from shared.contracts.commands import StartWave
from shared.contracts.states import WAVE
from shared.kernel.clock import utc_now
from shared.kernel.ids import uuid7
from shared.messaging.bus import Bus
from shared.messaging.connection import connect_once
from shared.mongo.collections import Store

MAX_WAVES, WAVE_TIMEOUT_SECONDS, POLL_SECONDS = 3, 7200.0, 0.5
MIN_LANDED, MIN_LANDED_OF_A_TYPE, MIN_AGENTS = 80, 3, 3
KEEP = "GROUNDSWELL_BENCH_KEEP"
BRANCH = "groundswell/main"
ALL = "all"


def run(quick: bool) -> Result:
    """Improve each repository; `quick` improves only a small generated target, in one wave."""
    with TemporaryDirectory(prefix="groundswell-bench-") as folder:
        scratch = Path(folder)
        scratch.chmod(0o755)
        if quick:
            target = with_policy(write_small_target(scratch), COMMON_POLICY)
            measured = [_improve("small", target, scratch, max_waves=1)]
        else:
            measured = [_measure(each, scratch) for each in REPOSITORIES]
    if not quick:
        write_page(measured)
    return judge(measured)


def judge(measured: Sequence[dict[str, Any]]) -> Result:
    """Return the result of what was measured of repositories."""
    rows = [row for each in measured for row in each["rows"]]
    summary = _summary(rows)
    noise = {key: sum(each["noise"][key] for each in measured) for key in measured[0]["noise"]}
    bar = (
        f"each type lands >= {MIN_LANDED_OF_A_TYPE} changes, all of them >= {MIN_LANDED}; "
        f"none is noise ({', '.join(f'{key} {count}' for key, count in noise.items())})"
    )
    landed = {row["type"]: row["landed"] for row in summary}
    holds = (
        min(landed.values()) >= MIN_LANDED_OF_A_TYPE
        and sum(landed.values()) >= MIN_LANDED
        and not any(noise.values())
    )
    return Result("agents_on_real_code", bar, [*rows, *summary], holds)


def _summary(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each type over all repositories, with what can be added up."""
    found = []
    for kind in dict.fromkeys(row["type"] for row in rows):
        mine = [row for row in rows if row["type"] == kind]
        added = {
            key: sum(row[key] for row in mine) if isinstance(mine[0][key], int | float) else ""
            for key in mine[0]
        }
        found.append({**added, "target": ALL, "type": kind})
    return found


def _measure(repository: RealRepository, scratch: Path) -> dict[str, Any]:
    """Return what was measured of a repository, now or, where it was kept, before."""
    keep = os.environ.get(KEEP)
    kept = Path(keep) / f"{repository.name}.json" if keep else None
    if kept is not None and kept.exists():
        return dict(json.loads(kept.read_text()))
    measured = _improve(repository.name, repository.obtain(scratch), scratch, max_waves=MAX_WAVES)
    measured |= {"url": repository.url, "licence": repository.licence}
    if kept is not None:
        kept.write_text(json.dumps(measured, indent=1))
    return measured


def _improve(name: str, path: Path, scratch: Path, *, max_waves: int) -> dict[str, Any]:
    """Improve a repository, and return its rows, its landed changes and what of them is noise."""
    return asyncio.run(_improve_on_stack(name, path, scratch / f"home-{name}", max_waves))


async def _improve_on_stack(name: str, path: Path, home: Path, max_waves: int) -> dict[str, Any]:
    """Run waves on a stack of its own until one lands nothing, and return what they did."""
    async with local_stack(home, lambda _: None) as stack, stack_store(stack) as store:
        client = await connect_once(stack.nats_url)
        bus = Bus(client, source="bench", clock=utc_now, new_id=uuid7)
        waves: list[Wave] = []
        while len(waves) < max_waves and (not waves or waves[-1].landed):
            waves.append(await _run_wave(path, bus, store))
        await client.close()
        rows = await rows_by_type(name, waves, store)
        landed = landed_changes(waves)
    commits = git(path, "rev-list", "--reverse", f"main..{BRANCH}").split() if landed else []
    for each in landed:
        each["message"] = git(path, "log", "-1", "--format=%B", each["commit"])
        each["diff"] = git(path, "show", "--format=", each["commit"])
    noise = count_noise(path, commits) | {
        "proposed again": sum(each.repeated for each in waves),
        "lost without a record": sum(each.unrecorded for each in waves),
    }
    return {"name": name, "rows": rows, "landed": landed, "noise": noise}


async def _run_wave(path: Path, bus: Bus, store: Store) -> Wave:
    """Run a large wave of all types to its end."""
    wave_id, started = uuid7(), time.perf_counter()
    command = StartWave(target=str(path), size=WaveSize.LARGE, wave_id=wave_id)
    await bus.publish(command, key=wave_id)
    async with asyncio.timeout(WAVE_TIMEOUT_SECONDS):
        while True:
            wave = await store.waves.get(wave_id)
            if wave is not None and WAVE.terminal(wave.state):
                break
            await asyncio.sleep(POLL_SECONDS)
    return await Wave.of(wave, time.perf_counter() - started, store)


if __name__ == "__main__":
    main("agents_on_real_code", run)
