"""The audit trail."""

from datetime import datetime
from typing import Any

from shared.contracts.base import (
    Id,
)
from shared.contracts.documents.base import Document


class AuditRecord(Document):
    """Who asked for what, through which door."""

    id: Id
    action: str
    subject: dict[str, Any]
    channel: str
    at: datetime
