"""What the gate spends on fifteen proposals for boltons, of which three break tests, in full runs of its suite.

The proposals go before the gate of a real stack at once. Counted is the time of every run that it makes for them, planted
faults included; the baseline, which any gate needs once per head, is shown beside. Once what no test protects may land, and
once it waits for a person, who then lets it through. The peer is the serial gate: one plain full run for each change on the
head as it is by then, really made by the same runner in the same sandbox; their median is the one full run.
"""

import asyncio
import hashlib
import shutil
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import runners
from bench.boltons_changes import PACKAGE, Proposal, proposals
from bench.harness import Result, main
from bench.runners import IN_THE_GATE, a_store, a_task, a_wave, an_enhancement, settle_in, until
from bench.targets import as_repository, download
from deploy.local import Stack, local_stack
from services.validator.git.adapters.repository import GitRepository
from shared.contracts.base import RunPurpose
from shared.contracts.commands import DecideEnhancement
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.runs import RunSpec, TestRun
from shared.contracts.documents.storage import Patch
from shared.contracts.documents.targets import Target
from shared.contracts.documents.waves import Wave
from shared.contracts.states import EnhancementState, RunState
from shared.contracts.work import RunTests
from shared.kernel.clock import utc_now
from shared.kernel.ids import uuid7
from shared.messaging.bus import Bus
from shared.messaging.connection import connect_once
from shared.mongo.collections import Store
from shared.targets.mirror import Mirror

LIMIT = 3.0
POLICIES = ("allow", "ask")
# What is watched after landing is another bench's.
CONFIG = '[policy]\nunprotected = "{policy}"\n\n[watch]\nchecks = 0\n'


@dataclass(frozen=True)
class Story:
    """What the gate did. `gate` are the runs up to when nothing moved, `after` those after a person's word."""

    policy: str
    baseline: TestRun
    gate: Sequence[TestRun]
    after: Sequence[TestRun]
    serial: Sequence[TestRun]
    before: Sequence[Enhancement]
    changes: Sequence[Enhancement]
    bad: frozenset[str]

    @property
    def full(self) -> float:
        """Seconds of one plain full run."""
        return statistics.median(each.execution.seconds for each in self.serial)

    def named(self) -> int:
        """Bad ones that were refused with the tests that they break."""
        return sum(
            each.proposal.title in self.bad and bool(each.decision.tests) for each in self.refused()
        )

    def refused(self) -> list[Enhancement]:
        """Whoever they are."""
        return [each for each in self.changes if each.state is EnhancementState.REJECTED]

    def counted(self, state: EnhancementState) -> int:
        """How many stood so before anybody was asked."""
        return sum(each.state is state for each in self.before)


def run(quick: bool) -> Result:
    """A row for each policy; `quick` takes the small target of another bench."""
    with TemporaryDirectory(prefix="groundswell-bench-") as folder:
        scratch = Path(folder)
        if quick:
            source = runners.make_target(scratch / "source", runners.QUICK)
            changes = small_changes()
        else:
            source = download(PACKAGE, scratch)
            changes = proposals(source)
        found = [
            asyncio.run(measured(each, changes, source, scratch / each))
            for each in POLICIES[: 1 if quick else None]
        ]
    for each in found:
        show_runs(each)
    rows = [row for each in found for row in rows_of(each)]
    bar = f"all good ones land, all bad ones are named, in <= {LIMIT} full runs"
    return Result("boltons_gate", bar, rows, all(holds(each) for each in found))


def small_changes() -> list[Proposal]:
    """Those of the other bench."""
    size = runners.QUICK
    return [
        Proposal(f"m{n:02}", f"m{n:02}.py", runners.title(n), bad, runners.patch(n, bad))
        for n, bad in ((n, runners.is_bad(n, size)) for n in range(size.proposals))
    ]


def holds(story: Story) -> bool:
    """Whether the bar does, in seconds and whatever was asked of a person."""
    landed = {
        each.proposal.title for each in story.changes if each.state is EnhancementState.APPLIED
    }
    good = {each.proposal.title for each in story.changes} - story.bad
    named = story.named() == len(story.bad) == len(story.refused())
    return landed == good and named and seconds(story.gate) <= LIMIT * story.full


def rows_of(story: Story) -> list[dict[str, Any]]:
    """The gate, the person's part where there was one, and the peer."""
    waited = story.counted(EnhancementState.NEEDS_APPROVAL)
    landed = story.counted(EnhancementState.APPLIED)
    rows = [row(f"{story.policy}: the gate", story, story.gate, landed, waited)]
    if waited:
        every = sum(each.state is EnhancementState.APPLIED for each in story.changes)
        rows.append(row(f"{story.policy}: after approval", story, story.after, every, 0))
    passed = sum(not each.result.failing for each in story.serial)
    return [*rows, row(f"{story.policy}: serial", story, story.serial, passed, 0)]


def row(
    what: str, story: Story, runs: Sequence[TestRun], landed: int, waiting: int
) -> dict[str, Any]:
    """One line, in full runs."""
    plain = [each for each in runs if each.request.purpose is not RunPurpose.MUTATION]
    used = statistics.median(each.execution.cpu_seconds or 0.0 for each in story.serial)
    return {
        "target": what,
        "runs": len(runs),
        "full run s": story.full,
        "full runs": seconds(runs) / story.full,
        "without faults": seconds(plain) / story.full,
        "in cpu": sum(each.execution.cpu_seconds or 0.0 for each in runs) / used,
        "baseline": story.baseline.execution.seconds / story.full,
        "landed": landed,
        "waiting": waiting,
        "bad named": story.named(),
    }


def seconds(runs: Iterable[TestRun]) -> float:
    """Of all of them."""
    return sum(each.execution.seconds for each in runs)


def show_runs(story: Story) -> None:
    """Where the time went."""
    table = Table(title=f"unprotected = {story.policy}", title_justify="left", box=None)
    for column in (
        "purpose",
        "changes",
        "tests",
        "state",
        "s",
        "full runs",
        "cpu s",
        "worse",
        "why",
    ):
        table.add_column(column)
    for each in [story.baseline, *story.gate, *story.after]:
        table.add_row(
            each.request.purpose,
            str(len(each.request.changes)),
            str(len(each.request.tests) or "all"),
            each.state if each.result.outcome != "infrastructure" else each.result.outcome,
            f"{each.execution.seconds:.2f}",
            f"{each.execution.seconds / story.full:.2f}",
            f"{each.execution.cpu_seconds or 0.0:.2f}",
            str(len(each.result.worse or ())),
            each.request.why,
        )
    console = Console(width=180)
    console.print(table)
    for one in story.changes:
        protected = one.decision.protection.state if one.decision.protection else "not asked"
        console.print(
            f"{one.state} {one.proposal.title} [{protected}] {one.decision.reason} {one.decision.approval_reason} {one.decision.tests[:2]}",
            markup=False,
        )


async def measured(policy: str, changes: Sequence[Proposal], source: Path, below: Path) -> Story:
    """One policy in a home of its own."""
    place = shutil.copytree(source, below / "target")
    (place / "groundswell.toml").write_text(CONFIG.format(policy=policy))
    as_repository(place)
    with runners.surroundings(below):
        async with local_stack(below / "home", lambda _: None) as stack, a_store(stack) as store:
            target = await settle_in(place, stack, store)
            return await Bench(target, stack, store, changes, policy).story()


@dataclass(frozen=True)
class Bench:
    """A stack at rest, and what is put before it."""

    target: Target
    stack: Stack
    store: Store
    changes: Sequence[Proposal]
    policy: str

    async def story(self) -> Story:
        """The gate, the person, and the peer, one after the other."""
        [baseline] = await self.store.runs.find(state=RunState.FINISHED)
        wave = a_wave(self.target)
        await self.propose(wave)
        await self.at_rest(wave)
        before, gate = await self.found(wave), await self.runs(wave)
        client = await connect_once(self.stack.nats_url)
        bus = Bus(client, source="bench", clock=utc_now, new_id=uuid7)
        waiting = [each for each in before if each.state is EnhancementState.NEEDS_APPROVAL]
        for each in waiting:
            word = DecideEnhancement(
                enhancement_id=each.id, decision="approve", reason="A benchmark."
            )
            await bus.publish(word, key=each.id)
        await self.decided(wave)
        after = (await self.runs(wave))[len(gate) :]
        serial = await self.serially(baseline, bus)
        await client.close()
        bad = frozenset(each.title for each in self.changes if each.bad)
        changes = await self.found(wave)
        return Story(self.policy, baseline, gate, after, serial, before, changes, bad)

    async def propose(self, wave: Wave) -> None:
        """All of them, cleared; the wave last, as the gate takes nothing without one."""
        found = []
        for number, each in enumerate(self.changes):
            # Two of the same agent type never work on one component at once.
            mine = {"component": f"{each.module}-{number}", "paths": (f"/{each.path}",)}
            task = a_task(number, wave).model_copy(update=mine)
            digest = hashlib.sha256(each.patch.encode()).hexdigest()
            await self.store.tasks.insert(task)
            await self.store.patches.insert(Patch(id=digest, text=each.patch, created_at=utc_now()))
            change = an_enhancement(number, task, digest)
            found.append(
                change.updated(proposal__title=each.title, proposal__patch__files=(each.path,))
            )
        await self.store.waves.insert(wave)
        await self.store.enhancements.insert_missing(found)

    async def found(self, wave: Wave) -> list[Enhancement]:
        """Each as it stands."""
        return await self.store.enhancements.find(wave_id=wave.id)

    async def runs(self, wave: Wave) -> list[TestRun]:
        """In their order."""
        return await self.store.runs.find(wave_id=wave.id)

    async def at_rest(self, wave: Wave) -> None:
        """Until nothing moves in the gate."""

        async def resting() -> bool:
            return not await self.store.enhancements.count(wave_id=wave.id, state=IN_THE_GATE)

        await until(resting)

    async def decided(self, wave: Wave) -> None:
        """Until nobody waits for a person, and what a person let through has moved on."""
        open_ = [*IN_THE_GATE, EnhancementState.NEEDS_APPROVAL]

        async def done() -> bool:
            return not await self.store.enhancements.count(wave_id=wave.id, state=open_)

        await until(done)

    async def serially(self, baseline: TestRun, bus: Bus) -> list[TestRun]:
        """A full run for each change on the head as it is then, by the same runner."""
        repository = GitRepository(Mirror.at(Path(self.stack.home), self.target.id))
        tree, found = baseline.request.tree, []
        for number, each in enumerate(self.changes):
            composed = repository.compose(tree, [(each.title, each.patch)])
            assert not composed.failed, composed.failed
            verdict = await self.full_run(f"serial-{number}", composed.tree, baseline, bus)
            if not set(verdict.result.failing) - set(baseline.result.failing):
                tree = composed.tree
            found.append(verdict)
        return found

    async def full_run(self, key: str, tree: str, like: TestRun, bus: Bus) -> TestRun:
        """Asked of a runner as the gate asks."""
        asked = TestRun(
            id=uuid7(),
            key=key,
            target_id=like.target_id,
            wave_id=uuid7(),
            request=RunSpec(
                purpose=RunPurpose.FULL_RUN,
                tree=tree,
                head=like.request.head,
                environment=like.request.environment,
            ),
            created_at=utc_now(),
        )
        await self.store.runs.insert(asked)
        await bus.publish(RunTests(run_id=asked.id, target_id=like.target_id), key=asked.id)

        async def finished() -> bool:
            return (await self.store.runs.require(asked.id)).state is RunState.FINISHED

        await until(finished)
        return await self.store.runs.require(asked.id)


if __name__ == "__main__":
    main("boltons_gate", run)
