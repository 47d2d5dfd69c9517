"""The audit log."""

from datetime import datetime
from typing import Any

from shared.contracts.base import (
    Id,
)
from shared.contracts.documents.base import Document


class AuditRecord(Document):
    """A request that changed something, and the channel it came by: http, rpc or bus.

    Of a request over HTTP it has the key and the address that it came from, and the `status` of the
    answer, which is None until there is one.
    """

    id: Id
    action: str
    subject: dict[str, Any]
    channel: str
    at: datetime
    key_id: str = ""
    key_name: str = ""
    address: str = ""
    status: int | None = None
