"""The validator's door: each handler is one use case."""

from faststream.nats import NatsRouter

from services.validator.approval.usecases import decide
from services.validator.backtest.usecases.backtest import begin_backtest, stop_backtest
from services.validator.deps import Desk
from services.validator.gate.loop import admit
from services.validator.rollback.usecases import roll_back, roll_back_all
from services.validator.runs.usecases import runners
from services.validator.runs.usecases.baseline import measure_health
from services.validator.runs.usecases.runs import carry_out
from shared.contracts.commands import (
    BacktestTarget,
    DecideEnhancement,
    MeasureHealth,
    RollbackEnhancement,
    RollbackEnhancements,
    StopBacktest,
)
from shared.contracts.streams import (
    ENHANCEMENT_COMMANDS,
    HEALTH_COMMANDS,
    PROPOSALS_CLEARED,
    RUN_REQUESTS,
    TARGET_COMMANDS,
)
from shared.contracts.work import ProposalCleared, RunTests
from shared.messaging.consumers import only, unknown, work
from shared.messaging.takers import Taker


def handlers(desk: Desk) -> NatsRouter:
    """Subscribers over `desk`."""
    router = NatsRouter()
    health = router.subscriber(HEALTH_COMMANDS.filter, **work(HEALTH_COMMANDS))

    @health(filter=only(MeasureHealth))
    async def do_measure_health(command: MeasureHealth) -> None:
        await measure_health(command, desk)

    health(unknown)
    enhancement = router.subscriber(ENHANCEMENT_COMMANDS.filter, **work(ENHANCEMENT_COMMANDS))

    @enhancement(filter=only(RollbackEnhancement))
    async def do_roll_back(command: RollbackEnhancement) -> None:
        await roll_back(command, desk)

    @enhancement(filter=only(RollbackEnhancements))
    async def do_roll_back_all(command: RollbackEnhancements) -> None:
        await roll_back_all(command, desk)

    @enhancement(filter=only(DecideEnhancement))
    async def do_decide(command: DecideEnhancement) -> None:
        await decide(command, desk)

    enhancement(unknown)

    target = router.subscriber(TARGET_COMMANDS.filter, **work(TARGET_COMMANDS))

    @target(filter=only(BacktestTarget))
    async def do_backtest(command: BacktestTarget) -> None:
        await begin_backtest(command, desk)

    @target(filter=only(StopBacktest))
    async def do_stop_backtest(command: StopBacktest) -> None:
        await stop_backtest(command, desk)

    target(unknown)

    @router.subscriber(PROPOSALS_CLEARED.filter, **work(PROPOSALS_CLEARED))
    async def on_proposal_cleared(event: ProposalCleared) -> None:
        await admit(event, desk)

    return router


def takers(desk: Desk) -> tuple[Taker[RunTests], ...]:
    """What is taken only where there is room for it."""

    async def do_run_tests(command: RunTests) -> None:
        await carry_out(command, desk)

    def has_room(under_way: int) -> bool:
        return runners.has_room(under_way, desk)

    return (Taker(RUN_REQUESTS, RunTests, do_run_tests, has_room),)
