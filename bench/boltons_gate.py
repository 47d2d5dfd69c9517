"""The gate's cost for fifteen proposals for boltons, three of them broken, in full runs.

The proposals are submitted to the gate of a real stack at once. The cost is the time of every run
that the gate makes for them, mutation included; the baseline, which any gate needs once per head,
is shown beside it. It is measured under two policies: unprotected changes may land, or they need
the approval of a person, which is then given. The peer is the serial gate: one plain full run for
each change on the head of that moment, made by the same runner in the same sandbox. The median of
those runs is the unit, one full run.
"""

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import generated_target, runners
from bench.boltons_changes import PACKAGE, Proposal, proposals
from bench.boltons_outcome import GateOutcome, bar_holds, outcome_rows, print_outcome
from bench.gate_documents import IN_GATE_STATES, new_wave
from bench.gate_stack import (
    Submission,
    connect_as_validator,
    one_core_per_process,
    register_target,
    stack_store,
    submit,
    wait_until,
)
from bench.harness import Result, main
from bench.targets import as_repository, download
from deploy.homes import Stack
from deploy.local import local_stack
from services.validator.git.adapters.repository import GitRepository
from shared.contracts.base import RunPurpose
from shared.contracts.commands import DecideEnhancement
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.runs import RunSpec, TestRun
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

MAX_FULL_RUNS = 3.0
POLICIES = ("allow", "ask")
# Watching landed changes is not part of this benchmark.
CONFIG = '[policy]\nunprotected = "{policy}"\n\n[watch]\nchecks = 0\n'


def run(quick: bool) -> Result:
    """Measure each policy on boltons; `quick` measures one policy on a small generated target."""
    with TemporaryDirectory(prefix="groundswell-bench-") as folder:
        scratch = Path(folder)
        if quick:
            source = generated_target.write_target(scratch / "source", generated_target.QUICK)
            changes = generated_proposals()
        else:
            source = download(PACKAGE, scratch)
            changes = proposals(source)
        outcomes = [
            asyncio.run(measure(each, changes, source, scratch / each))
            for each in POLICIES[: 1 if quick else None]
        ]
    for each in outcomes:
        print_outcome(each)
    rows = [row for each in outcomes for row in outcome_rows(each)]
    bar = (
        "all good changes land and all bad ones are rejected with the tests they break, "
        f"in <= {MAX_FULL_RUNS} full runs"
    )
    holds = all(bar_holds(each, MAX_FULL_RUNS) for each in outcomes)
    return Result("boltons_gate", bar, rows, holds)


def generated_proposals() -> list[Proposal]:
    """Return the proposals for the small generated target."""
    size = generated_target.QUICK
    return [
        Proposal(
            each.component,
            each.path,
            each.title,
            generated_target.is_broken(number, size),
            each.patch,
        )
        for number, each in enumerate(runners.submissions(size))
    ]


async def measure(
    policy: str, changes: Sequence[Proposal], source: Path, directory: Path
) -> GateOutcome:
    """Measure one policy on a stack and a copy of the target of its own, below `directory`."""
    path = shutil.copytree(source, directory / "target")
    (path / "groundswell.toml").write_text(CONFIG.format(policy=policy))
    as_repository(path)
    with one_core_per_process(directory):
        async with (
            local_stack(directory / "home", lambda _: None) as stack,
            stack_store(stack) as store,
        ):
            target = await register_target(path, stack, store)
            return await GateSession(target, stack, store, changes, policy).measure()


@dataclass(frozen=True)
class GateSession:
    """A stack whose target has its baseline, and the proposals to submit to its gate."""

    target: Target
    stack: Stack
    store: Store
    changes: Sequence[Proposal]
    policy: str

    async def measure(self) -> GateOutcome:
        """Let the gate decide, approve what needs approval, then run the serial gate."""
        [baseline] = await self.store.runs.find(state=RunState.FINISHED)
        wave = new_wave(self.target)
        await submit(wave, self.submissions(), self.store)
        await self.wait_until_no_change_in(wave, IN_GATE_STATES)
        before, gate_runs = await self.load_changes(wave), await self.load_runs(wave)
        client = await connect_once(self.stack.nats_url)
        bus = Bus(client, source="bench", clock=utc_now, new_id=uuid7)
        await self.approve(before, wave, bus)
        approval_runs = (await self.load_runs(wave))[len(gate_runs) :]
        await client.close()
        client = await connect_as_validator(self.stack)
        serial_runs = await self.run_serially(
            baseline, Bus(client, source="bench", clock=utc_now, new_id=uuid7)
        )
        await client.close()
        return GateOutcome(
            policy=self.policy,
            baseline=baseline,
            gate_runs=gate_runs,
            approval_runs=approval_runs,
            serial_runs=serial_runs,
            changes_before=before,
            changes=await self.load_changes(wave),
            broken=frozenset(each.title for each in self.changes if each.bad),
        )

    def submissions(self) -> list[Submission]:
        """Return the proposals, each on a component of its own.

        Two tasks of the same agent type never work on one component at once.
        """
        return [
            Submission(each.title, f"{each.module}-{number}", each.path, each.patch)
            for number, each in enumerate(self.changes)
        ]

    async def approve(self, changes: Sequence[Enhancement], wave: Wave, bus: Bus) -> None:
        """Approve every change that needs approval and wait until all are decided."""
        for each in changes:
            if each.state is EnhancementState.NEEDS_APPROVAL:
                command = DecideEnhancement(
                    enhancement_id=each.id, decision="approve", reason="A benchmark."
                )
                await bus.publish(command, key=each.id)
        await self.wait_until_no_change_in(wave, [*IN_GATE_STATES, EnhancementState.NEEDS_APPROVAL])

    async def load_changes(self, wave: Wave) -> list[Enhancement]:
        """Load all changes of a wave in their present state."""
        return await self.store.enhancements.find(wave_id=wave.id)

    async def load_runs(self, wave: Wave) -> list[TestRun]:
        """Load all test runs of a wave, oldest first."""
        return await self.store.runs.find(wave_id=wave.id)

    async def wait_until_no_change_in(self, wave: Wave, states: Sequence[EnhancementState]) -> None:
        """Wait until no change of a wave is in one of these states."""

        async def none_left() -> bool:
            """Return whether no change is left in one of the states."""
            return not await self.store.enhancements.count(wave_id=wave.id, state=[*states])

        await wait_until(none_left)

    async def run_serially(self, baseline: TestRun, bus: Bus) -> list[TestRun]:
        """Make a full run for each change on top of those that passed before it."""
        repository = GitRepository(Mirror.at(Path(self.stack.home), self.target.id))
        tree, runs = baseline.request.tree, []
        for number, each in enumerate(self.changes):
            composed = repository.compose(tree, [(each.title, each.patch)])
            assert not composed.failed, composed.failed
            finished = await self.make_full_run(f"serial-{number}", composed.tree, baseline, bus)
            if not set(finished.result.failing) - set(baseline.result.failing):
                tree = composed.tree
            runs.append(finished)
        return runs

    async def make_full_run(self, key: str, tree: str, like: TestRun, bus: Bus) -> TestRun:
        """Request a full run of a tree in the environment of another run, and wait for it."""
        requested = TestRun(
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
        await self.store.runs.insert(requested)
        await bus.publish(RunTests(run_id=requested.id, target_id=like.target_id), key=requested.id)

        async def is_finished() -> bool:
            """Return whether the requested run has finished."""
            return (await self.store.runs.require(requested.id)).state is RunState.FINISHED

        await wait_until(is_finished)
        return await self.store.runs.require(requested.id)


if __name__ == "__main__":
    main("boltons_gate", run)
