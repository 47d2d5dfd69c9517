"""Health that the validator measures: how far the tests can be trusted in what has landed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from services.validator.deps import Desk
from shared.contracts.base import TRUST
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.findings import Health
from shared.contracts.documents.protection import Protection, protected_share
from shared.contracts.documents.targets import Target

METRICS = {"faults", "noticed", "lines", "protected_lines"}
MEASURED = {"protected", "unprotected"}


async def keep_trust(target: Target, changes: Sequence[Enhancement], desk: Desk) -> None:
    """Count what is known of changes that are on the branch, by component; once, however often it is asked.

    It is kept under the last commit of them, before any is said to have landed, so that a crash in between ends
    with both. What the gate found out is with the stored changes, and maybe not yet with these.
    """
    if not changes:
        return
    stored = await desk.store.enhancements.listed([each.id for each in changes])
    by_component: dict[str, list[Protection]] = defaultdict(list)
    for each in stored:
        if each.protection is not None and each.protection.state in MEASURED:
            by_component[each.component].append(each.protection)
    tip = changes[-1].commit or ""
    await desk.store.health.insert_missing(_trust(target, tip, by_component, desk.clock()))


def _trust(
    target: Target, commit: str, found: Mapping[str, Sequence[Protection]], now: datetime
) -> list[Health]:
    """Nothing of a component in which nothing was measured. The score is the share of protected lines, 0 to 100."""
    return [
        Health(
            id=f"{target.id}:{commit}:{component}:{TRUST}",
            target_id=target.id,
            commit=commit,
            component=component,
            dimension=TRUST,
            metrics=share.model_dump(include=METRICS),
            score=round(100 * share.protected_lines / share.lines, 1),
            measured_at=now,
        )
        for component, known in sorted(found.items())
        if (share := protected_share(known)) is not None
    ]
