"""Proposed changes and what became of them."""

from datetime import datetime

from pydantic import Field

from shared.contracts.base import (
    AgentTypeName,
    EngineName,
    Id,
    Oid,
    Sha256,
    Value,
)
from shared.contracts.documents.advice import Advice
from shared.contracts.documents.base import Document, StateTransition
from shared.contracts.documents.behaviour import BehaviourEvidence
from shared.contracts.documents.findings import Finding, Prediction
from shared.contracts.documents.gain import Gain
from shared.contracts.documents.proof import Proof
from shared.contracts.documents.protection import Protection
from shared.contracts.documents.workflows import WorkflowCheck
from shared.contracts.states import (
    EnhancementState,
)


class Rollback(Value):
    """How an enhancement was rolled back; `automatic` if its watch did so without a request."""

    commit: Oid
    reason: str
    at: datetime
    automatic: bool = False


class Approval(Value):
    """A person's approval of one patch on one base; it is void for any other patch or base."""

    by: str
    reason: str
    patch: Sha256
    base: Oid
    at: datetime


class ProposalAuthor(Value):
    """The agent that proposed a change, and the engine that made it."""

    agent_type: AgentTypeName
    agent_id: Id
    agent: str
    engine: EngineName


class FixKind(Value):
    """The kind of fix a change applies: its rule, and how far that rule is trusted.

    `safe` is the tool's own word, which decides nothing about landing. `prior` is the probability,
    before any run, that such a change passes the gate. `conditions` are those that its agent found
    to hold, so that behaviour stays the same; the gate checks them again.
    """

    rule: str
    safe: bool
    prior: float = Field(ge=0, le=1)
    conditions: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """The rule as its tool calls it."""
        return self.rule.partition(":")[2] or self.rule


class ProposedPatch(Value):
    """A patch by its sha256, the commit it applies to, and its size."""

    digest: Sha256
    base_commit: Oid
    files: tuple[str, ...]
    lines_added: int
    lines_removed: int


# With this begins the reason of a proposal that expired as its task has lost its lease. That says
# nothing about the change: the task is repeated under another epoch.
OLD_EPOCH = "old-epoch"


class ProposalRecord(Value):
    """What an agent proposed. It never changes.

    `key` is unique within its task, so that a task done twice proposes once. `epoch` is that of the
    task's lease, `order` the position among the proposals of the task, which build on each other.
    `detectors` are run again by the gate: they show whether `findings` are gone. `causes` are the
    fingerprints of findings that it was made for and claims nothing about, as the gate does not
    measure them. `outline` is what it does in words of what its files describe, if that is not the
    text itself. Advice for people has no `patch`.

    One field per fact that a proposal comes with.
    """

    key: str
    component: str
    author: ProposalAuthor
    epoch: int
    order: int
    fix: FixKind
    title: str
    rationale: str
    findings: tuple[Finding, ...] = ()
    causes: tuple[str, ...] = ()
    detectors: tuple[str, ...] = ()
    prediction: Prediction | None = None
    patch: ProposedPatch | None = None
    outline: str = ""
    advice: Advice | None = None

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """The fingerprints of all findings that it was made for."""
        return (*(each.fingerprint for each in self.findings), *self.causes)

    @property
    def files(self) -> tuple[str, ...]:
        """The files that its patch changes; none for advice without one."""
        return self.patch.files if self.patch else ()

    @property
    def required_patch(self) -> ProposedPatch:
        """The patch of a proposal past the resolver, which lets no advice through."""
        assert self.patch is not None, f"{self.title!r} is advice and has no patch"
        return self.patch


class DecisionRecord(Value):
    """What the gate and people decided about a change, and on which evidence.

    `reason` and `tests` say why it was refused, `approval_reason` why it needs a person's approval.
    `returned` counts the heads it was judged on without an answer, `suspected` are the tests that
    it seems to break only together with what has landed meanwhile. A change with a `proof` needs no
    `protection` by tests. `behaviour` is what its code shows about the behaviour that its rule may
    change, `gain` what was measured of one that promises speed, and `workflows` what a running n8n
    showed of one that edits workflows. `run` is the test run that decided. One field per
    kind of evidence.
    """

    reason: str = ""
    tests: tuple[str, ...] = ()
    returned: int = 0
    suspected: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    approval_reason: str = ""
    approval: Approval | None = None
    proof: Proof | None = None
    behaviour: BehaviourEvidence | None = None
    protection: Protection | None = None
    gain: Gain | None = None
    workflows: WorkflowCheck | None = None
    run: Id | None = None


class LandingRecord(Value):
    """Where a change landed, and how it was rolled back or why that was refused."""

    commit: Oid | None = None
    branch: str = ""
    rollback: Rollback | None = None
    rollback_refusal: str = ""


class Enhancement(Document):
    """A proposed change and what became of it; `history` has every state it came into."""

    id: Id
    wave_id: Id
    task_id: Id
    target_id: Id
    state: EnhancementState = EnhancementState.PROPOSED
    proposal: ProposalRecord
    decision: DecisionRecord = DecisionRecord()
    landing: LandingRecord = LandingRecord()
    history: tuple[StateTransition, ...] = ()
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None = None
