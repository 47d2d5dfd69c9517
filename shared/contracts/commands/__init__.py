"""Commands (`gs.cmd.>`, durable) and requests (`gs.rpc.>`, answered), a module by aggregate."""

from shared.contracts.commands.base import Reason
from shared.contracts.commands.enhancements import (
    ApprovalFilter,
    DecideEnhancement,
    Decision,
    DecisionOnMany,
    DecisionReason,
    GivenDecision,
    RollbackEnhancement,
    RollbackEnhancements,
    RollbackOptions,
    RollbackSince,
)
from shared.contracts.commands.findings import ImportFindings, LogOrigin, MeasureFindings
from shared.contracts.commands.keys import CreateKey, RotateKey
from shared.contracts.commands.leases import (
    AcquireLease,
    ExtendLease,
    LeaseGrant,
    ReleaseLease,
    RenewLease,
)
from shared.contracts.commands.queries import GetAgents, GetStatus, GetWave, GetWaves
from shared.contracts.commands.targets import (
    BacktestScope,
    BacktestTarget,
    RunBaseline,
    StopBacktest,
)
from shared.contracts.commands.waves import StartWave, StopWave

__all__ = [
    "AcquireLease",
    "ApprovalFilter",
    "BacktestScope",
    "BacktestTarget",
    "CreateKey",
    "DecideEnhancement",
    "Decision",
    "DecisionOnMany",
    "DecisionReason",
    "ExtendLease",
    "GetAgents",
    "GetStatus",
    "GetWave",
    "GetWaves",
    "GivenDecision",
    "ImportFindings",
    "LeaseGrant",
    "LogOrigin",
    "MeasureFindings",
    "Reason",
    "ReleaseLease",
    "RenewLease",
    "RollbackEnhancement",
    "RollbackEnhancements",
    "RollbackOptions",
    "RollbackSince",
    "RotateKey",
    "RunBaseline",
    "StartWave",
    "StopBacktest",
    "StopWave",
]
