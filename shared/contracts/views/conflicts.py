"""What clients are shown of overlaps between proposals."""

from datetime import datetime

from shared.contracts.base import Value
from shared.contracts.documents.conflicts import (
    ConflictKind,
    ConflictOutcome,
    ConflictParticipant,
    ConflictResolution,
    ConflictStrategy,
)


class ConflictView(Value):
    """Two proposals that overlap, and how that is or was settled; `outcome` is null until then.

    `id` is made of both proposals.
    Flat: one row of a list.
    """

    id: str
    target_id: str
    first: ConflictParticipant
    second: ConflictParticipant
    kind: ConflictKind
    strategy: ConflictStrategy
    outcome: ConflictOutcome | None
    reason: str
    files: tuple[str, ...]
    found_at: datetime
    resolved_at: datetime | None


class Conflicts(Value):
    """Overlaps between proposals, the newest first."""

    items: tuple[ConflictView, ...]


def conflict_view(conflict: ConflictResolution) -> ConflictView:
    """Return what clients are shown of an overlap."""
    return ConflictView.model_validate(conflict.model_dump())
