"""Stores the protection of landed changes as health."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from services.validator.deps import ValidatorDeps
from shared.contracts.base import PROTECTION
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.findings import Health
from shared.contracts.documents.protection import Protection, protection_share
from shared.contracts.documents.targets import Target

METRICS = {"mutants", "killed", "lines", "protected_lines"}
MEASURED = {"protected", "unprotected"}


async def store_protection_health(
    target: Target, changes: Sequence[Enhancement], deps: ValidatorDeps
) -> None:
    """Store the protection of landed changes as health, once per component and last commit.

    It is stored under the last commit of the changes before any landing is published, so that a
    crash in between loses neither. The stored changes are read, as these may be older than what the
    gate found out.
    """
    if not changes:
        return
    stored = await deps.store.enhancements.find_by_ids([each.id for each in changes])
    by_component: dict[str, list[Protection]] = defaultdict(list)
    for each in stored:
        if each.decision.protection is not None and each.decision.protection.state in MEASURED:
            by_component[each.proposal.component].append(each.decision.protection)
    tip = changes[-1].landing.commit or ""
    await deps.store.health.insert_missing(
        _protection_health(target, tip, by_component, deps.clock())
    )


def _protection_health(
    target: Target, commit: str, found: Mapping[str, Sequence[Protection]], now: datetime
) -> list[Health]:
    """Return the health of each component where protection was measured.

    The score is the share of protected lines, 0 to 100.
    """
    return [
        Health(
            id=f"{target.id}:{commit}:{component}:{PROTECTION}",
            target_id=target.id,
            commit=commit,
            component=component,
            dimension=PROTECTION,
            metrics=share.model_dump(include=METRICS),
            score=round(100 * share.protected_lines / share.lines, 1),
            measured_at=now,
        )
        for component, known in sorted(found.items())
        if (share := protection_share(known)) is not None
    ]
