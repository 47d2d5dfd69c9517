"""What the validator's use cases depend on."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from services.validator.backtest.ports import History
from services.validator.benchmarks.ports import Benchmarks
from services.validator.findings.ports import Detectors
from services.validator.gains.ports import FunctionBenchmarks
from services.validator.git.ports import TargetRepository
from services.validator.mutation.ports import MutationRunner
from services.validator.proof.ports import Programs
from services.validator.queue.state import PublishedOutcomes
from services.validator.review.ports import Forge, Remote
from services.validator.review.state import RequestedPullRequests
from services.validator.runs.ports import Slots
from services.validator.runs.state import ClaimedRuns, RunnerHeartbeats, RunWaiters
from services.validator.suite.ports import Suite
from services.validator.tasks import KeyedTasks
from services.validator.watch.state import OverdueChecks
from services.validator.workflows.ports import WorkflowServer
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.targets import Target
from shared.environments.ports import Environments
from shared.kernel.clock import Clock
from shared.kernel.ids import NewId
from shared.messaging.ports import Publisher
from shared.mongo.collections import Store
from shared.mongo.leadership import Leadership
from shared.sandbox.ports import Sandbox
from shared.targets.mirror import Mirror


@dataclass(frozen=True)
class ProcessState:
    """What one validator process remembers while it runs, each part owned by its capability.

    It is lost when the process ends, and everything in it can be found out again. Running gates
    and checks are keyed by target, running backtests by backtest, and early work by the task or
    change that it looks at before its round. `draining` is set once the process is about to end.
    `waiting` are the changes that it saw waiting for the gate, by id.
    """

    claimed_runs: ClaimedRuns = field(default_factory=ClaimedRuns)
    run_waiters: RunWaiters = field(default_factory=RunWaiters)
    heartbeats: RunnerHeartbeats = field(default_factory=RunnerHeartbeats)
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    published: PublishedOutcomes = field(default_factory=PublishedOutcomes)
    pull_requests: RequestedPullRequests = field(default_factory=RequestedPullRequests)
    running_gates: KeyedTasks = field(default_factory=lambda: KeyedTasks("gate"))
    early_work: KeyedTasks = field(default_factory=lambda: KeyedTasks("early"))
    running_backtests: KeyedTasks = field(default_factory=lambda: KeyedTasks("backtest"))
    running_checks: KeyedTasks = field(
        default_factory=lambda: KeyedTasks("check", retry_seconds=30.0)
    )
    overdue_checks: OverdueChecks = field(default_factory=OverdueChecks)
    waiting: dict[str, Enhancement] = field(default_factory=dict)


@dataclass(frozen=True)
class ValidatorDeps:
    """The ports that use cases work with, built by main; one per process.

    One object for all capabilities, because a use case of the gate calls those of most others:
    hence more than twelve fields, one field per port. `identity` names the home, which all its
    validators share; `runner` names this process to other runners. `forge` is None without a token,
    and so are `benchmarks` and `function_benchmarks` where none are run, and `workflow_server`
    where no n8n is configured.
    """

    store: Store
    bus: Publisher
    home: Path
    identity: str
    runner: str
    repository: Callable[[Target], TargetRepository]
    remote: Callable[[Target, str], Remote]
    forge: Forge | None
    environments: Environments
    suite: Suite
    detectors: Detectors
    history: Callable[[Target], History]
    mutation_runner: MutationRunner
    programs: Programs
    sandbox: Sandbox
    slots: Slots
    leadership: Leadership
    clock: Clock
    new_id: NewId
    process: ProcessState
    benchmarks: Benchmarks | None = None
    function_benchmarks: FunctionBenchmarks | None = None
    workflow_server: WorkflowServer | None = None

    def mirror(self, target: Target) -> Mirror:
        """Return the private bare repository of `target`."""
        return Mirror.at(self.home, target.id)
