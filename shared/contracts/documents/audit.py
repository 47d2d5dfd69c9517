"""The audit trail."""

from datetime import datetime
from typing import Any

from shared.contracts.base import (
    Id,
)
from shared.contracts.documents.base import Document


class Audit(Document):
    """Who asked for what, through which door."""

    id: Id
    action: str
    subject: dict[str, Any]
    door: str
    at: datetime
