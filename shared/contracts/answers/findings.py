"""Answers to requests about findings."""

from datetime import datetime

from shared.contracts.base import Id, Oid, Value
from shared.contracts.documents.findings import Finding


class ImportedLog(Value):
    """A log of another tool that was imported, and how many findings are in it."""

    name: str
    findings: int
    imported_at: datetime


class FindingList(Value):
    """The findings of a target that were asked for, of `total` that fit, and the imported logs.

    `commit` is where the others were measured last; None if they never were.
    """

    target_id: Id
    location: str
    commit: Oid | None
    measured_at: datetime | None
    total: int
    findings: tuple[Finding, ...]
    logs: tuple[ImportedLog, ...] = ()


class ImportAccepted(Value):
    """An import is requested; it ends with a `FindingsImported` of its id."""

    import_id: Id
    events_after: int
