"""What requests are answered with, on `gs.rpc.>` and over HTTP; a module by aggregate."""

from shared.contracts.answers.backtests import BacktestAccepted
from shared.contracts.answers.enhancements import (
    DecisionAccepted,
    DecisionsAccepted,
    RollbackAccepted,
    RollbacksAccepted,
)
from shared.contracts.answers.findings import FindingList, ImportAccepted, ImportedLog
from shared.contracts.answers.infinite import InfiniteStatus
from shared.contracts.answers.keys import KeyMade
from shared.contracts.answers.n8n import (
    CallbackBody,
    ComponentScore,
    DeploymentAccepted,
    SystemHealth,
    ValidationAccepted,
)
from shared.contracts.answers.system import Acknowledgement, AgentList, Readiness, Status
from shared.contracts.answers.waves import StoppedWaves, WaveAccepted, WaveList, WaveOpened
from shared.contracts.answers.webhooks import MessageReceived

__all__ = [
    "Acknowledgement",
    "AgentList",
    "BacktestAccepted",
    "CallbackBody",
    "ComponentScore",
    "DecisionAccepted",
    "DecisionsAccepted",
    "DeploymentAccepted",
    "FindingList",
    "ImportAccepted",
    "ImportedLog",
    "InfiniteStatus",
    "KeyMade",
    "MessageReceived",
    "Readiness",
    "RollbackAccepted",
    "RollbacksAccepted",
    "Status",
    "StoppedWaves",
    "SystemHealth",
    "ValidationAccepted",
    "WaveAccepted",
    "WaveList",
    "WaveOpened",
]
