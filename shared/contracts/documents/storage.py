"""Content stored once under its sha256."""

from datetime import datetime
from typing import Literal

from shared.contracts.base import (
    Sha256,
)
from shared.contracts.documents.base import Document


class Patch(Document):
    """A unified git diff, stored once under its sha256. Immutable."""

    id: Sha256
    text: str
    created_at: datetime


class StoredReport(Document):
    """What is too large for a message, zlib-compressed, stored once under the sha256 of what is inside.

    A report of tests, faults or benchmarks, a log, the plan of a run, or which tests reach what (impact).
    """

    id: Sha256
    kind: Literal["tests", "log", "mutation", "benchmarks", "plan", "impact"]
    data: bytes
    created_at: datetime
