"""The validator's message handlers, each of which calls one use case."""

from faststream.nats import NatsRouter
from faststream.nats.annotations import NatsMessage

from services.validator.approval.usecases import decide
from services.validator.backtest.usecases.backtest import start_backtest, stop_backtest
from services.validator.deps import ValidatorDeps
from services.validator.gate.loop import admit
from services.validator.rollback.usecases.rollbacks import roll_back, roll_back_all
from services.validator.runs.usecases import runners
from services.validator.runs.usecases.baseline import run_baseline
from services.validator.runs.usecases.execute import RunHandlers, execute_run
from shared.contracts.commands import (
    BacktestTarget,
    DecideEnhancement,
    RollbackEnhancement,
    RollbackEnhancements,
    RunBaseline,
    StopBacktest,
)
from shared.contracts.streams import (
    BASELINE_COMMANDS,
    ENHANCEMENT_COMMANDS,
    PROPOSALS_CLEARED,
    RUN_REQUESTS,
    TARGET_COMMANDS,
)
from shared.contracts.work import ProposalCleared, RunTests
from shared.messaging.consumers import of_type, reject_unknown, subscriber_options, with_id
from shared.messaging.pull_workers import PullWorker


def handlers(deps: ValidatorDeps) -> NatsRouter:
    """Return the validator's subscribers, one for each kind of command and event that it takes."""
    router = NatsRouter()
    health = router.subscriber(BASELINE_COMMANDS.filter, **subscriber_options(BASELINE_COMMANDS))

    @health(filter=of_type(RunBaseline))
    async def do_run_baseline(command: RunBaseline) -> None:
        """Run a target's suite on a commit before any change; publish the result or the failure."""
        await run_baseline(command, deps)

    health(reject_unknown)
    enhancement = router.subscriber(
        ENHANCEMENT_COMMANDS.filter, **subscriber_options(ENHANCEMENT_COMMANDS)
    )

    @enhancement(filter=of_type(RollbackEnhancement))
    async def do_roll_back(command: RollbackEnhancement) -> None:
        """Roll back one landed enhancement, or publish why not."""
        await roll_back(command, deps)

    @enhancement(filter=of_type(RollbackEnhancements))
    async def do_roll_back_all(command: RollbackEnhancements) -> None:
        """Roll back several landed enhancements together, or publish why none."""
        await roll_back_all(command, deps)

    @enhancement(filter=of_type(DecideEnhancement))
    async def do_decide(command: DecideEnhancement) -> None:
        """Apply a person's decision on an enhancement that needs approval."""
        await decide(command, deps)

    enhancement(reject_unknown)

    target = router.subscriber(TARGET_COMMANDS.filter, **subscriber_options(TARGET_COMMANDS))

    @target(filter=of_type(BacktestTarget))
    async def do_backtest(command: BacktestTarget, message: NatsMessage) -> None:
        """Store a backtest of a target's history and start it."""
        await start_backtest(with_id(command, "backtest_id", message), deps)

    @target(filter=of_type(StopBacktest))
    async def do_stop_backtest(command: StopBacktest) -> None:
        """Stop a running backtest."""
        await stop_backtest(command, deps)

    target(reject_unknown)

    @router.subscriber(PROPOSALS_CLEARED.filter, **subscriber_options(PROPOSALS_CLEARED))
    async def on_proposal_cleared(event: ProposalCleared) -> None:
        """Check that a cleared proposal's change exists; the gate takes it from its state."""
        await admit(event, deps)

    return router


def pull_workers(
    deps: ValidatorDeps, run_handlers: RunHandlers
) -> tuple[PullWorker[RunTests], ...]:
    """Return the worker that takes a requested run only while there is room for one."""

    async def do_run_tests(command: RunTests) -> None:
        """Execute a requested run."""
        await execute_run(command, deps, run_handlers)

    def has_room(under_way: int) -> bool:
        """Return true if this runner may take another run beside those under way."""
        return runners.has_room(under_way, deps)

    return (PullWorker(RUN_REQUESTS, RunTests, do_run_tests, has_room),)
