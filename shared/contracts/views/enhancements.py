"""What clients are shown of proposed changes."""

from datetime import datetime

from shared.contracts.base import (
    AgentTypeName,
    EngineName,
    Id,
    Oid,
    Sha256,
    Value,
)
from shared.contracts.documents.advice import Advice
from shared.contracts.documents.behaviour import BehaviourEvidence
from shared.contracts.documents.enhancements import Approval, Rollback
from shared.contracts.documents.findings import Finding, Prediction
from shared.contracts.documents.gain import Gain
from shared.contracts.documents.proof import Proof
from shared.contracts.documents.protection import Protection
from shared.contracts.documents.workflows import WorkflowCheck
from shared.contracts.report import ChangeNeedingApproval
from shared.contracts.states import (
    EnhancementState,
)


class EnhancementView(Value):
    """A proposed change as it appears in a list; `reason` says why it did not land.

    Flat: one row of a list.
    """

    id: Id
    wave_id: Id
    component: str
    agent_type: AgentTypeName
    rule: str
    title: str
    state: EnhancementState
    reason: str
    files: tuple[str, ...]
    lines_added: int
    lines_removed: int
    commit: Oid | None
    branch: str
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None


class EnhancementDetails(EnhancementView):
    """A proposed change with its findings, prediction and evidence.

    `patch` is the sha256 of the diff, `base_commit` the commit it applies to; advice has neither.
    `epoch` is that of the lease it was made under. `approval_reason` says why it needs approval;
    `tests` are the tests that it breaks; `releases` says what became of its workflows in n8n.
    `outline` is what it does in words of what its files describe, `gain` what was measured of one
    that promises speed.

    Flat: what a client shows of one enhancement.
    """

    task_id: Id
    agent: str
    engine: EngineName
    epoch: int
    safe: bool
    rationale: str
    findings: tuple[Finding, ...]
    prediction: Prediction | None
    base_commit: Oid | None
    patch: Sha256 | None
    tests: tuple[str, ...]
    evidence: tuple[str, ...]
    approval_reason: str
    proof: Proof | None
    behaviour: BehaviourEvidence | None
    protection: Protection | None
    workflows: WorkflowCheck | None
    releases: tuple[str, ...]
    approval: Approval | None
    rollback: Rollback | None
    rollback_refusal: str
    outline: str = ""
    advice: Advice | None = None
    gain: Gain | None = None


class ApprovalGroup(Value):
    """Changes of one rule in one component that need approval for the same kind of reason."""

    reason: str
    rule: str
    component: str
    changes: tuple[ChangeNeedingApproval, ...]


class ApprovalGroups(Value):
    """All changes that need approval, in groups; the largest come first."""

    groups: tuple[ApprovalGroup, ...]

    @property
    def count(self) -> int:
        """The number of changes in all groups."""
        return sum(len(each.changes) for each in self.groups)
