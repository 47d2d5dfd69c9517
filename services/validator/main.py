"""The composition root of the validator."""

import asyncio
import os
import secrets
import socket
from functools import cache

import structlog

from services.validator.backtest.adapters import GitHistory
from services.validator.backtest.usecases.backtest import resume_backtests
from services.validator.benchmarks.adapters.runner import SandboxedBenchmarks
from services.validator.deps import ProcessState, ValidatorDeps
from services.validator.findings.adapters import RuffDetectors
from services.validator.gate.loop import reconcile
from services.validator.git.adapters.remotes import GitRemote
from services.validator.git.adapters.repository import GitRepository
from services.validator.handlers import handlers, pull_workers
from services.validator.mutation.adapters import SandboxedMutationRunner
from services.validator.queue.transitions import say_again
from services.validator.review.adapters import RestForge
from services.validator.review.usecases import show_waiting
from services.validator.runs.adapters.slots import (
    MachineSlots,
    machine_cores,
    private,
    slots_folder,
)
from services.validator.runs.usecases.runners import announce, leave
from services.validator.settings import Settings
from services.validator.suite.adapters.suite import SandboxedSuite
from services.validator.watch.usecases.watching import look_after
from shared.contracts.documents.targets import Target
from shared.environments.build import UvEnvironments
from shared.kernel.clock import utc_now
from shared.kernel.ids import uuid7
from shared.launch import launch
from shared.messaging.bus import Bus
from shared.messaging.service import PeriodicTask, Service, serve
from shared.mongo.client import connected
from shared.mongo.collections import Store, open_store
from shared.mongo.leadership import Leadership
from shared.sandbox.choice import choose_sandbox
from shared.sandbox.ports import GIB, Sandbox
from shared.sandbox.scratch import Scratch, remove_abandoned
from shared.targets.home import identity_of
from shared.targets.mirror import Mirror
from shared.targets.tree import GitTree

log = structlog.get_logger(__name__)

# How often the gate looks on its own; a cleared proposal wakes it at once.
ROUND = 0.25
REPEAT = 5.0
# A forge that was away is asked again; it limits how often.
SHOW = 30.0
# How often a runner says that it is there.
BEAT = 3.0
# What landed is looked at minutes later, so seconds do not matter.
LOOK = 5.0


def build(
    settings: Settings, bus: Bus, store: Store, sandbox: Sandbox, scratch: Scratch
) -> Service:
    """Wire adapters to use cases."""

    def tree(target_id: str, oid: str) -> GitTree:
        return Mirror.at(settings.home, target_id).tree(oid)

    def remote(target: Target, name: str) -> GitRemote:
        return GitRemote(Mirror.at(settings.home, target.id), target, name)

    @cache
    def repository(target_id: str) -> GitRepository:
        return GitRepository(Mirror.at(settings.home, target_id))

    deps = ValidatorDeps(
        store=store,
        bus=bus,
        home=settings.home,
        identity=identity_of(settings.home),
        # Where containers share a name, and each has the same process number, the last part differs.
        runner=f"{socket.gethostname()}/{os.getpid()}/{uuid7()[-6:]}",
        repository=lambda target: repository(target.id),
        remote=remote,
        forge=_forge(settings),
        environments=UvEnvironments(
            settings.home, sandbox, scratch, tree, int(settings.environments_max_gib * GIB)
        ),
        suite=SandboxedSuite(sandbox, scratch, tree),
        detectors=RuffDetectors(
            settings.home / "validator", lambda target_id: Mirror.at(settings.home, target_id)
        ),
        history=lambda target: GitHistory(Mirror.at(settings.home, target.id)),
        mutation_runner=SandboxedMutationRunner(sandbox, scratch, tree),
        sandbox=sandbox,
        slots=_slots(settings),
        leadership=Leadership(
            store.leader_leases, identity_of(settings.home), settings.home / "targets"
        ),
        clock=utc_now,
        new_id=uuid7,
        process=ProcessState(),
        benchmarks=SandboxedBenchmarks(sandbox, scratch, tree, _toss),
    )
    return Service(
        name="validator",
        router=handlers(deps),
        periodic_tasks=(
            PeriodicTask(ROUND, lambda: reconcile(deps)),
            PeriodicTask(REPEAT, lambda: say_again(deps)),
            PeriodicTask(REPEAT, lambda: resume_backtests(deps)),
            PeriodicTask(SHOW, lambda: show_waiting(deps)),
            PeriodicTask(BEAT, lambda: announce(deps)),
            PeriodicTask(LOOK, lambda: look_after(deps)),
        ),
        pull_workers=pull_workers(deps),
        on_stop=lambda: leave(deps),
    )


def _slots(settings: Settings) -> MachineSlots:
    folder = slots_folder() if settings.slots is None else private(settings.slots)
    return MachineSlots(folder, machine_cores(), settings.cores)


def _toss() -> bool:
    return secrets.randbelow(2) == 1


def _forge(settings: Settings) -> RestForge | None:
    token = settings.forge_token.get_secret_value()
    return RestForge(settings.forge, token, settings.forge_api or None) if token else None


async def run(settings: Settings) -> None:
    """Serve until told to stop."""
    await asyncio.to_thread(remove_abandoned, settings.home / "runs")
    scratch = Scratch(settings.home / "runs", uuid7)
    sandbox, better = await choose_sandbox(
        settings.home,
        scratch,
        wanted=settings.sandbox,
        unsandboxed=settings.allow_unsandboxed,
    )
    for each in better:
        log.info("sandbox_refused", tier=each.tier.label, reason=each.problem)
    log.info("sandbox_chosen", tier=sandbox.tier)
    async with connected(settings.mongo_url) as database:
        store = open_store(database)
        await serve(
            "validator",
            settings.nats_url,
            lambda bus: build(settings, bus, store, sandbox, scratch),
        )


def main() -> None:
    """Run with the settings of the environment."""
    launch("validator", Settings, run)
