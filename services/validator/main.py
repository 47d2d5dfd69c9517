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
from services.validator.benchmarks.usecases import execute_benchmarks
from services.validator.deps import ProcessState, ValidatorDeps
from services.validator.findings.adapters import RegisteredDetectors
from services.validator.gains.adapters import SandboxedFunctionBenchmarks
from services.validator.gains.usecases import execute_gain
from services.validator.gate.loop import reconcile
from services.validator.git.adapters.remotes import GitRemote
from services.validator.git.adapters.repository import GitRepository
from services.validator.handlers import handlers, pull_workers
from services.validator.mutation.adapters import SandboxedMutationRunner
from services.validator.mutation.usecases.execute import execute_mutation
from services.validator.proof.adapters import SandboxedPrograms
from services.validator.queue.transitions import publish_unpublished
from services.validator.review.adapters.rest import RestForge
from services.validator.review.usecases import deliver_pending
from services.validator.runs.usecases.execute import RunHandler, execute_tests
from services.validator.runs.usecases.runners import announce, drain
from services.validator.settings import ValidatorSettings
from services.validator.suite.adapters.suite import SandboxedSuite
from services.validator.watch.usecases.watching import start_due_checks
from services.validator.workflows.adapters.rest import RestWorkflowServer
from services.validator.workflows.usecases.release import release_pending
from shared.contracts.base import RunKind
from shared.contracts.documents.targets import Target
from shared.environments.build import UvEnvironments
from shared.kernel.clock import utc_now
from shared.kernel.ids import uuid7
from shared.launch import launch
from shared.machine.slots import (
    MachineSlots,
    machine_cores,
    slots_folder,
)
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

GATE_INTERVAL_SECONDS = 0.25
RETRY_INTERVAL_SECONDS = 5.0
RELEASE_INTERVAL_SECONDS = 5.0
# Forges limit how often they may be called.
PULL_REQUEST_INTERVAL_SECONDS = 30.0
HEARTBEAT_INTERVAL_SECONDS = 3.0
# Checks are due minutes after a landing, so seconds do not matter.
WATCH_INTERVAL_SECONDS = 5.0

# No target has this id; the subject is one of the stream of runs.
PROBED_TARGET = "none"

# How a run of each kind is executed.
RUN_HANDLERS: dict[RunKind, RunHandler] = {
    RunKind.TESTS: execute_tests,
    RunKind.MUTATION: execute_mutation,
    RunKind.BENCHMARKS: execute_benchmarks,
    RunKind.GAIN: execute_gain,
}


def build(
    settings: ValidatorSettings, bus: Bus, store: Store, sandbox: Sandbox, scratch: Scratch
) -> Service:
    """Return the service: its adapters wired to the use cases, and what it does periodically."""

    def tree(target_id: str, oid: str) -> GitTree:
        """Return a tree of a target's mirror by its object id."""
        return Mirror.at(settings.home, target_id).tree(oid)

    def remote(target: Target, name: str) -> GitRemote:
        """Return a named remote of a target."""
        return GitRemote(Mirror.at(settings.home, target.id), target, name)

    @cache
    def repository(target_id: str) -> GitRepository:
        """Return the repository of a target, made once."""
        return GitRepository(Mirror.at(settings.home, target_id))

    deps = ValidatorDeps(
        store=store,
        bus=bus,
        home=settings.home,
        identity=identity_of(settings.home),
        # The last part differs where containers share a name, and have the same process number.
        runner=f"{socket.gethostname()}/{os.getpid()}/{uuid7()[-6:]}",
        repository=lambda target: repository(target.id),
        remote=remote,
        forge=_make_forge(settings),
        environments=UvEnvironments(
            settings.home, sandbox, scratch, tree, int(settings.environments_max_gib * GIB)
        ),
        suite=SandboxedSuite(sandbox, scratch, tree),
        detectors=RegisteredDetectors(
            settings.home / "validator", lambda target_id: Mirror.at(settings.home, target_id)
        ),
        history=lambda target: GitHistory(Mirror.at(settings.home, target.id)),
        mutation_runner=SandboxedMutationRunner(sandbox, scratch, tree),
        programs=SandboxedPrograms(sandbox, scratch),
        sandbox=sandbox,
        slots=_make_slots(settings),
        leadership=Leadership(
            store.leader_leases, identity_of(settings.home), settings.home / "leadership"
        ),
        clock=utc_now,
        new_id=uuid7,
        process=ProcessState(),
        benchmarks=SandboxedBenchmarks(sandbox, scratch, tree, _flip_coin),
        function_benchmarks=SandboxedFunctionBenchmarks(sandbox, scratch, tree, _flip_coin),
        workflow_server=_make_workflow_server(settings),
    )
    return Service(
        name="validator",
        router=handlers(deps),
        publishes=(f"gs.run.{PROBED_TARGET}",),
        periodic_tasks=(
            PeriodicTask(GATE_INTERVAL_SECONDS, lambda: reconcile(deps)),
            PeriodicTask(RETRY_INTERVAL_SECONDS, lambda: publish_unpublished(deps)),
            PeriodicTask(RETRY_INTERVAL_SECONDS, lambda: resume_backtests(deps)),
            PeriodicTask(PULL_REQUEST_INTERVAL_SECONDS, lambda: deliver_pending(deps)),
            PeriodicTask(RELEASE_INTERVAL_SECONDS, lambda: release_pending(deps)),
            PeriodicTask(HEARTBEAT_INTERVAL_SECONDS, lambda: announce(deps)),
            PeriodicTask(WATCH_INTERVAL_SECONDS, lambda: start_due_checks(deps)),
        ),
        pull_workers=pull_workers(deps, RUN_HANDLERS),
        on_stop=lambda: drain(deps),
    )


def _make_slots(settings: ValidatorSettings) -> MachineSlots:
    """Return the slots of this machine, which all runners with the same folder share."""
    folder = slots_folder(settings.home, settings.slots)
    return MachineSlots(folder, machine_cores(), settings.cores)


def _flip_coin() -> bool:
    """Return True or False at random, with equal chances."""
    return secrets.randbelow(2) == 1


def _make_forge(settings: ValidatorSettings) -> RestForge | None:
    """Return the client of the forge's API; None without a token."""
    token = settings.forge_token.get_secret_value()
    return RestForge(settings.forge, token, settings.forge_api or None) if token else None


def _make_workflow_server(settings: ValidatorSettings) -> RestWorkflowServer | None:
    """Return the client of a running n8n; None where none is configured."""
    key = settings.n8n_api_key.get_secret_value()
    return RestWorkflowServer(settings.n8n_url, key) if settings.n8n_url or key else None


async def run(settings: ValidatorSettings) -> None:
    """Remove the workspaces of dead processes, choose the sandbox, and serve until stopped."""
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
    """Run the validator with the settings of the environment."""
    launch("validator", ValidatorSettings, run)
