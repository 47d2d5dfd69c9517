"""Which measurements of health before and after a wave can be compared."""

from collections.abc import Sequence

from shared.contracts.documents.findings import Health


def comparable(
    before: Sequence[Health], after: Sequence[Health]
) -> tuple[list[Health], list[Health]]:
    """Return only the readings of dimensions that were measured both times, if both times any were.

    Without those of an agent type whose detector failed once, the others would look like a change.
    """
    first, last = ({each.dimension for each in health} for health in (before, after))
    if not first or not last:
        return [*before], [*after]
    return (
        [each for each in before if each.dimension in last],
        [each for each in after if each.dimension in first],
    )
