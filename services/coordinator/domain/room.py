"""How many tasks of a wave may begin, and how many changes each of them may propose."""

from collections.abc import Sequence

from shared.contracts.documents.waves import Task, Wave
from shared.contracts.states import TaskState

AT_WORK = frozenset({TaskState.ASSIGNED, TaskState.RUNNING})


def free_places(wave: Wave, tasks: Sequence[Task]) -> int:
    """Return how many more tasks of a wave may be at work at once."""
    at_work = sum(each.state in AT_WORK for each in tasks)
    return len(tasks) if wave.throttle is None else wave.throttle - at_work


def free_changes(wave: Wave, tasks: Sequence[Task], open_changes: int) -> int | None:
    """Return how many more changes may be proposed; None without a limit.

    What tasks at work may still propose counts as open.
    """
    if wave.max_open is None:
        return None
    promised = sum(each.max_changes or 0 for each in tasks if each.state in AT_WORK)
    return wave.max_open - open_changes - promised


def share_of(room: int | None, places: int) -> int | None:
    """Return how many changes the next task may propose, if `places` share what room there is."""
    return None if room is None else -(-room // max(places, 1))


def only_a_person_makes_room(tasks: Sequence[Task]) -> bool:
    """Return whether nothing of a wave is under way any more that could end by itself."""
    moving = {*AT_WORK, TaskState.PROPOSED}
    return not any(each.state in moving for each in tasks)
