"""The audit log."""

from datetime import datetime
from typing import Any

from shared.contracts.base import (
    Id,
)
from shared.contracts.documents.base import Document


class AuditRecord(Document):
    """A request that changed something, and the channel it came by: http, rpc or bus."""

    id: Id
    action: str
    subject: dict[str, Any]
    channel: str
    at: datetime
