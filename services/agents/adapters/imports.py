"""What the imported logs of targets report, as it is stored."""

import hashlib
from collections.abc import Sequence

from shared.contracts.documents.findings import ReportedFinding
from shared.mongo.collections import Store


class StoredLogs:
    """`ImportedLogs` over the collection of imports."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def reported(self, target_id: str) -> Sequence[ReportedFinding]:
        """Return what all imported logs report about a target."""
        found = await self._store.imports.find(target_id=target_id)
        return [each for log in found for each in log.reported]

    async def edition(self, target_id: str) -> str:
        """Return a digest of when each log was imported; empty if none was.

        The same log again is another edition: the newest measurement is the one that counts.
        """
        found = await self._store.imports.find(target_id=target_id)
        times = "\0".join(f"{each.name} {each.imported_at.isoformat()}" for each in found)
        return f"imports-{hashlib.sha256(times.encode()).hexdigest()[:12]}" if found else ""
