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
from shared.contracts.commands.infinite import (
    GetInfiniteMode,
    PauseInfiniteMode,
    ResumeInfiniteMode,
    StartInfiniteMode,
    StopInfiniteMode,
)
from shared.contracts.commands.keys import CreateKey, RotateKey
from shared.contracts.commands.leases import (
    AcquireLease,
    ExtendLease,
    LeaseGrant,
    ReleaseLease,
    RenewLease,
)
from shared.contracts.commands.n8n import (
    CallbackRequest,
    DeployAgents,
    StopAgents,
    ValidateEnhancement,
)
from shared.contracts.commands.queries import (
    GetAgents,
    GetStatus,
    GetTaskReason,
    GetWave,
    GetWaves,
)
from shared.contracts.commands.targets import (
    BacktestScope,
    BacktestTarget,
    RunBaseline,
    StopBacktest,
)
from shared.contracts.commands.waves import StartWave, StopWave
from shared.contracts.commands.webhooks import NewSender, NewWebhook, WebhookChange

__all__ = [
    "AcquireLease",
    "ApprovalFilter",
    "BacktestScope",
    "BacktestTarget",
    "CallbackRequest",
    "CreateKey",
    "DecideEnhancement",
    "Decision",
    "DecisionOnMany",
    "DecisionReason",
    "DeployAgents",
    "ExtendLease",
    "GetAgents",
    "GetInfiniteMode",
    "GetStatus",
    "GetTaskReason",
    "GetWave",
    "GetWaves",
    "GivenDecision",
    "ImportFindings",
    "LeaseGrant",
    "LogOrigin",
    "MeasureFindings",
    "NewSender",
    "NewWebhook",
    "PauseInfiniteMode",
    "Reason",
    "ReleaseLease",
    "RenewLease",
    "ResumeInfiniteMode",
    "RollbackEnhancement",
    "RollbackEnhancements",
    "RollbackOptions",
    "RollbackSince",
    "RotateKey",
    "RunBaseline",
    "StartInfiniteMode",
    "StartWave",
    "StopAgents",
    "StopBacktest",
    "StopInfiniteMode",
    "StopWave",
    "ValidateEnhancement",
    "WebhookChange",
]
