"""What requests are answered with, on `gs.rpc.>` and over HTTP; a module by aggregate."""

from shared.contracts.answers.backtests import BacktestAccepted
from shared.contracts.answers.enhancements import (
    DecisionAccepted,
    DecisionsAccepted,
    RollbackAccepted,
    RollbacksAccepted,
)
from shared.contracts.answers.findings import FindingList, ImportAccepted, ImportedLog
from shared.contracts.answers.keys import KeyMade
from shared.contracts.answers.system import Acknowledgement, AgentList, Readiness, Status
from shared.contracts.answers.waves import StoppedWaves, WaveAccepted, WaveList, WaveOpened

__all__ = [
    "Acknowledgement",
    "AgentList",
    "BacktestAccepted",
    "DecisionAccepted",
    "DecisionsAccepted",
    "FindingList",
    "ImportAccepted",
    "ImportedLog",
    "KeyMade",
    "Readiness",
    "RollbackAccepted",
    "RollbacksAccepted",
    "Status",
    "StoppedWaves",
    "WaveAccepted",
    "WaveList",
    "WaveOpened",
]
