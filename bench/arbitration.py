"""Arbitration: 1,000 claimants of 10,000 resources; what a claim costs in the resolver, and waits.

The cost of a decision is measured in this process: with paths of different depths, and with
different numbers of leases that are held already. It must grow no faster than the depth. The time
from claim to grant is measured on a real stack, one claim after another, as p50 and p99; the peer
is a bare NATS request to the same services (`$SRV.PING`), of which the first answer counts. What
else the machine does makes both longer; leases that it delays beyond their time expire, so that
fewer are held in the end than were granted.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nats.aio.client import Client

from bench.gate_documents import proposed_task
from bench.gate_stack import stack_store
from bench.harness import Result, main
from deploy.credentials import load_credentials
from deploy.homes import Stack
from deploy.local import local_stack
from deploy.programs import nats_url_as
from services.resolver.domain import leases
from services.resolver.domain.book import LeaseBook
from services.resolver.domain.leases import Claim, Granted
from shared.contracts.commands import AcquireLease, LeaseGrant
from shared.contracts.documents.leases import LeaseLedger
from shared.contracts.documents.waves import Task, Wave
from shared.contracts.states import TaskState, WaveState
from shared.kernel.clock import utc_now
from shared.kernel.ids import uuid7
from shared.messaging.bus import Bus
from shared.messaging.connection import connect_once

RESOURCES_PER_CLAIMANT = 10
DEPTHS = (4, 8, 16, 32)
HOLDERS = (10, 100, 1000)
CLAIMANTS, QUICK_CLAIMANTS = 1000, 20
USUAL_DEPTH = 8
REPETITIONS, DECISIONS = 5, 50
# Beside what grows with the depth there is a fixed cost, so the limits are met with room.
MAX_GROWTH_BY_HOLDERS = 1.5
MICROSECONDS, MILLISECONDS = 1e6, 1e3
BARE_SUBJECT = "$SRV.PING"
NO_COMMIT = "0" * 40


@dataclass(frozen=True)
class Waits:
    """The seconds that requests took, in order."""

    claims: Sequence[float]
    bare: Sequence[float]
    granted: int
    held: int
    epoch: int


def run(quick: bool) -> Result:
    """Report the cost of decisions and the waiting times of claims."""
    claimants = QUICK_CLAIMANTS if quick else CLAIMANTS
    by_depth = {each: decision_seconds(each, claimants) for each in DEPTHS}
    by_holders = {
        each: decision_seconds(USUAL_DEPTH, each) for each in HOLDERS if each <= claimants
    }
    waits = asyncio.run(measure_waits(claimants))
    rows = [decision_row(f"decide, depth {each}", cost) for each, cost in by_depth.items()]
    rows += [decision_row(f"decide, {each:,} held", cost) for each, cost in by_holders.items()]
    rows += waiting_rows(waits)
    bar = (
        "a decision at depth 32 costs <= 8 times one at depth 4, with 1,000 leases held <= "
        f"{MAX_GROWTH_BY_HOLDERS} times one with 10; every claim is granted once"
    )
    return Result("arbitration", bar, rows, None if quick else holds(by_depth, by_holders, waits))


def holds(by_depth: dict[int, float], by_holders: dict[int, float], waits: Waits) -> bool:
    """Return whether costs grow no faster than they may, and no grant is lost or double."""
    deep = by_depth[DEPTHS[-1]] / by_depth[DEPTHS[0]] <= DEPTHS[-1] / DEPTHS[0]
    many = by_holders[HOLDERS[-1]] / by_holders[HOLDERS[0]] <= MAX_GROWTH_BY_HOLDERS
    exact = waits.granted == waits.epoch == len(waits.claims)
    return deep and many and exact


def decision_row(name: str, seconds: float) -> dict[str, Any]:
    """Return the row of one kind of decision."""
    return row(name, "us of CPU", seconds * MICROSECONDS)


def row(
    name: str, unit: str, p50: float, p99: float | str = "", ratio: float | str = ""
) -> dict[str, Any]:
    """Return a row of the table; `unit` says what its figures are in."""
    return {"target": name, "unit": unit, "p50": p50, "p99": p99, "x bare request": ratio}


def waiting_rows(waits: Waits) -> list[dict[str, Any]]:
    """Return the rows of the bare request, all claims, and the first and last tenth of those."""
    tenth = max(len(waits.claims) // 10, 1)
    bare = statistics.median(waits.bare)
    kinds = {
        "bare NATS request": waits.bare,
        "claim to grant": waits.claims,
        "  the first tenth": waits.claims[:tenth],
        "  the last tenth": waits.claims[-tenth:],
    }
    rows = [
        row(
            name,
            "ms",
            statistics.median(times) * MILLISECONDS,
            percentile(times, 0.99) * MILLISECONDS,
            statistics.median(times) / bare,
        )
        for name, times in kinds.items()
    ]
    return [*rows, row("held at the end", "leases", waits.held)]


def percentile(times: Sequence[float], share: float) -> float:
    """Return the value that this share of the times does not exceed."""
    return sorted(times)[min(int(share * len(times)), len(times) - 1)]


def paths_of(claimant: int, depth: int) -> tuple[str, ...]:
    """Return the resources of a claimant: files in one folder of its own, at this depth."""
    folders = [f"f{claimant % 10}", f"g{claimant}", *(f"d{n}" for n in range(depth - 3))]
    return tuple(f"/{'/'.join(folders)}/m{number}.py" for number in range(RESOURCES_PER_CLAIMANT))


def decision_seconds(depth: int, holders: int) -> float:
    """Return the CPU time of deciding to grant and applying that, beside so many leases.

    It is the least of several medians: what else the machine does only adds to it.
    """
    now, book = utc_now(), LeaseBook(LeaseLedger(id=uuid7()))
    for number in range(holders):
        grant(book, number, depth, uuid7())
    medians = [
        statistics.median(decision_seconds_once(book, holders + n, depth) for n in range(DECISIONS))
        for _ in range(REPETITIONS)
    ]
    assert len(leases.holders(book, now=now)) == holders
    return min(medians)


def decision_seconds_once(book: LeaseBook, claimant: int, depth: int) -> float:
    """Return the CPU time of one grant, which is taken back."""
    task = uuid7()
    started = time.thread_time()
    grant(book, claimant, depth, task)
    seconds = time.thread_time() - started
    book.apply(leases.release(book, task).change)
    book.apply(leases.forget(book, [book.epoch]).change)
    return seconds


def grant(book: LeaseBook, claimant: int, depth: int, task: str) -> None:
    """Grant a claimant its resources."""
    claim = Claim(task, task, f"c{claimant}", paths_of(claimant, depth))
    decision = leases.acquire(book, claim, now=utc_now())
    assert isinstance(decision, Granted)
    book.apply(decision.change)


async def measure_waits(claimants: int) -> Waits:
    """Send all claims to the resolver of a new stack, each with a bare request before it."""
    with TemporaryDirectory(prefix="groundswell-bench-") as scratch:
        async with (
            local_stack(Path(scratch) / "home", lambda _: None) as stack,
            stack_store(stack) as store,
        ):
            client = await connect_as_coordinator(stack)
            tasks = tasks_at_work(claimants)
            await store.tasks.insert_missing(tasks)
            bus = Bus(client, source="bench", clock=utc_now, new_id=uuid7)
            claims, bare, granted = [], [], 0
            for number, task in enumerate(tasks):
                bare.append(await timed(lambda: client.request(BARE_SUBJECT, b"")))
                claim = AcquireLease(
                    target_id=task.target_id,
                    wave_id=task.wave_id,
                    task_id=task.id,
                    component=task.component,
                    paths=paths_of(number, USUAL_DEPTH),
                )
                answers: list[LeaseGrant] = []
                claims.append(await timed(lambda: ask(bus, claim, answers)))  # noqa: B023
                granted += answers[0].granted
            ledger = await store.leases.require(tasks[0].target_id)
            await client.close()
            return Waits(claims, bare, granted, len(ledger.held), ledger.epoch)


def tasks_at_work(count: int) -> list[Task]:
    """Return so many running tasks of one wave: the resolver ends the leases of any others."""
    now = utc_now()
    wave = Wave(
        id=uuid7(),
        target_id=uuid7(),
        state=WaveState.RUNNING,
        commit=NO_COMMIT,
        base_commit=NO_COMMIT,
        created_at=now,
        changed_at=now,
    )
    tasks = [proposed_task(number, wave) for number in range(count)]
    return [each.model_copy(update={"state": TaskState.RUNNING}) for each in tasks]


async def ask(bus: Bus, claim: AcquireLease, answers: list[LeaseGrant]) -> None:
    """Send a claim and note the answer."""
    answers.append(await bus.request(claim, LeaseGrant))


async def timed(action: Callable[[], Awaitable[object]]) -> float:
    """Return how many seconds an action takes."""
    started = time.perf_counter()
    await action()
    return time.perf_counter() - started


async def connect_as_coordinator(stack: Stack) -> Client:
    """Connect to the stack's NATS with the rights of the coordinator, which may claim leases."""
    credentials = load_credentials(Path(stack.home))
    return await connect_once(
        nats_url_as("coordinator", stack.nats_url, credentials), "coordinator"
    )


if __name__ == "__main__":
    main("arbitration", run)
