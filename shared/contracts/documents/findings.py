"""Findings, health metrics and predictions."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from shared.contracts.base import (
    Id,
    Oid,
    Severity,
    Value,
)
from shared.contracts.documents.base import Document


class Finding(Value):
    """Something measured to be wrong at a place.

    `rule` is `tool:code`. Lines count from 1. `fingerprint` survives line moves. A change must not
    add a `security` finding. `agent_type` is the type whose detectors found it and whose fixers
    may fix it; with `advice`, its agents advise people on what they do not fix. One that is
    `imported` was found by a tool that somebody else ran. `run_time_share` is that part of a
    profiled run's time which is spent in its lines; 0 where that is not known.

    One field per property of a SARIF result that agents or the gate use.
    """

    rule: str
    severity: Severity
    message: str
    path: str
    line: int
    end_line: int | None = None
    help_uri: str = ""
    fingerprint: str
    component: str = ""
    fixable: Literal["no", "safe", "unsafe"] = "no"
    security: bool = False
    advice: bool = False
    tool: str
    agent_type: str = ""
    imported: bool = False
    run_time_share: float = 0.0

    @property
    def code(self) -> str:
        """The rule as its tool calls it."""
        return self.rule.partition(":")[2] or self.rule


class ReportedEdit(Value):
    """A part of the fix that a tool offers: the text `old` from a start to an end becomes `new`.

    Lines and columns count from 1, columns in characters; the end is not part of it.
    """

    line: int
    column: int
    end_line: int
    end_column: int
    new: str
    old: str = ""


class ReportedFinding(Value):
    """What a tool reports at a place of the repository, such as a result of a SARIF log.

    `text` is that of its line, by which it is found again after lines have moved; empty if the line
    is not to be looked for. `commit` is the one the tool ran on; empty if that is not known. `fix`
    is the one that the tool offers in the same file; empty if it offers none, or several.
    """

    tool: str
    code: str
    severity: Severity
    message: str
    path: str
    line: int
    end_line: int | None = None
    help_uri: str = ""
    commit: str = ""
    text: str = ""
    fix: tuple[ReportedEdit, ...] = ()


class FindingsImport(Document):
    """What the log of a tool reports about a target; `id` is `<target>:<name>`.

    A new log of the same name takes its place. `findings` are those in the files of components on
    `commit`, and `notes` tell in sentences what of the log is left out.
    """

    target_id: Id
    name: str
    commit: Oid
    reported: tuple[ReportedFinding, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    imported_at: datetime


class Inspection(Value):
    """How many lines the detectors of one agent type read, and how many rules it can fix.

    `notes` tell in sentences what they left out, and why.
    """

    agent_type: str
    lines: int
    rules: int
    notes: tuple[str, ...] = ()


class FindingSet(Document):
    """All findings of a set of detectors on one commit; `id` is `<target>:<commit>:<detectors>`.

    `lines` are those of each component; `inspections` tell what each agent type read.
    """

    target_id: Id
    commit: Oid
    detectors: str
    findings: tuple[Finding, ...]
    lines: dict[str, int] = Field(default_factory=dict)
    inspections: tuple[Inspection, ...] = ()
    seconds: float
    measured_at: datetime


class Health(Document):
    """Measured metrics of one component in one dimension.

    `id` is `<target>:<commit>:<component>:<dimension>`. The dimensions that agent types declare are
    about the whole component; `protection` is about the lines that this commit changed in it.
    `source` names the detectors that measured it, with their versions.
    """

    target_id: Id
    commit: Oid
    component: str
    dimension: str
    metrics: dict[str, float]
    score: float
    source: str = ""
    measured_at: datetime


# The run time of the functions that a change touches, over that without it.
RELATIVE_RUN_TIME = "relative_run_time"


class Prediction(Value):
    """The predicted effect of a change, stored before it is tried.

    `size` is in the unit of the metric.
    """

    metric: str
    direction: Literal["down", "up", "same"]
    size: float
    confidence: float = Field(ge=0, le=1)

    @property
    def promises_speed(self) -> bool:
        """True if less run time is predicted: such a change lands only if that is measured."""
        return self.metric == RELATIVE_RUN_TIME and self.direction == "down"
