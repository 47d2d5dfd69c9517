"""Proposed changes and what became of them."""

from datetime import datetime

from pydantic import Field

from shared.contracts.base import (
    AgentType,
    Engine,
    Id,
    Oid,
    Sha256,
    Value,
)
from shared.contracts.documents.base import Document, StateChange
from shared.contracts.documents.findings import Finding, Prediction
from shared.contracts.documents.protection import Protection
from shared.contracts.states import (
    EnhancementState,
)


class Rollback(Value):
    """How an enhancement was taken off again; `automatic` where nobody asked for it but its watch."""

    commit: Oid
    reason: str
    at: datetime
    automatic: bool = False


class Approval(Value):
    """A person's word for one patch on one base; for another patch or base it is worth nothing."""

    by: str
    reason: str
    patch: Sha256
    base: Oid
    at: datetime


class Enhancement(Document):
    """A proposed change. `key` is unique within its task, so that a task done twice proposes once.

    `returned` is how many heads it was tried on and sent back to wait for the next, `suspected` the tests
    that it seems to break only together with what has landed meanwhile. `run` is the run that decided
    about it, and `history` every state that it came into.
    """

    id: Id
    wave_id: Id
    task_id: Id
    target_id: Id
    key: str
    component: str
    agent_type: AgentType
    agent_id: Id
    agent: str
    engine: Engine
    epoch: int
    order: int
    rule: str
    title: str
    rationale: str
    safe: bool
    prior: float = Field(ge=0, le=1)
    findings: tuple[Finding, ...] = ()
    prediction: Prediction | None = None
    base_commit: Oid
    patch: Sha256
    files: tuple[str, ...]
    lines_added: int
    lines_removed: int
    state: EnhancementState = EnhancementState.PROPOSED
    reason: str = ""
    tests: tuple[str, ...] = ()
    returned: int = 0
    suspected: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    commit: Oid | None = None
    branch: str = ""
    rollback: Rollback | None = None
    rollback_refused: str = ""
    asks: str = ""
    approval: Approval | None = None
    protection: Protection | None = None
    run: Id | None = None
    history: tuple[StateChange, ...] = ()
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None = None
