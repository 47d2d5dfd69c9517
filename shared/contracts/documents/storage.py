"""Content that is stored once, under its sha256."""

from datetime import datetime
from typing import Literal

from shared.contracts.base import (
    Sha256,
)
from shared.contracts.documents.base import Document


class Patch(Document):
    """A unified git diff, stored once under its sha256. It never changes."""

    id: Sha256
    text: str
    created_at: datetime


class StoredReport(Document):
    """A report, log, plan or impact map: zlib-compressed, under the sha256 of its content."""

    id: Sha256
    kind: Literal["tests", "log", "mutation", "benchmarks", "plan", "impact", "sarif"]
    data: bytes
    created_at: datetime
