"""What clients are shown of the choice of a task."""

from datetime import datetime

from shared.contracts.base import Id, Value
from shared.contracts.documents.choices import TaskCandidate, WaveChoices
from shared.contracts.documents.waves import Task


class TaskReason(Value):
    """Why a task was taken up, in sentences, and what else its wave could have taken up.

    `others` are the other candidates of the wave, the chosen ones in their order and then those
    that were left, the most valuable first; `left_out` counts those that were not kept.
    """

    task_id: Id
    wave_id: Id
    sentences: tuple[str, ...]
    chosen: TaskCandidate | None
    others: tuple[TaskCandidate, ...] = ()
    left_out: int = 0
    at: datetime


def task_reason(task: Task, choices: WaveChoices | None) -> TaskReason:
    """Return why a task was taken up; `choices` are those of its wave, None if none are stored."""
    known = choices.candidates if choices else ()
    place = (task.agent_type, task.component, task.opportunity.part)
    mine = next((each for each in known if _place(each) == place), None)
    return TaskReason(
        task_id=task.id,
        wave_id=task.wave_id,
        sentences=tuple(_sentences(task, mine)),
        chosen=mine,
        others=tuple(each for each in known if each is not mine),
        left_out=choices.left_out if choices else 0,
        at=choices.at if choices else task.created_at,
    )


def _place(candidate: TaskCandidate) -> tuple[str, str, str]:
    """Return what no two candidates of a wave have in common."""
    return candidate.agent_type, candidate.component, candidate.part


def _sentences(task: Task, candidate: TaskCandidate | None) -> list[str]:
    """Return why a task was taken up, in sentences."""
    told = []
    if task.follow_up_of:
        told.append(f"It repeats an earlier task on a newer head: this is attempt {task.attempt}.")
    if candidate is None:
        return [*told, "Nothing is stored about the choice of this wave."]
    told.append(f"Choice {candidate.turn} of its wave. {candidate.reason}")
    if not candidate.family:
        return told
    of = " ".join(filter(None, (candidate.family, "in", candidate.component_class)))
    told.append(
        f"Changes of {of}: {candidate.expected:.0%} are expected to stand, "
        + (
            f"after {candidate.trials:.1f} decided ones on this target (older ones count less)."
            if candidate.trials
            else "by what is known of similar ones, as none is decided on this target yet."
        )
    )
    drawn = "" if candidate.drawn == candidate.expected else f" {candidate.drawn:.0%} was drawn."
    told.append(
        f"Its value is {candidate.value:.2f}: that share of an impact of {candidate.impact:g}, "
        f"over {candidate.complexity:g} lines to read.{drawn}"
    )
    return told
