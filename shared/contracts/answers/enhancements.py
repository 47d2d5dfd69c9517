"""Answers to requests about proposed and landed changes."""

from shared.contracts.base import Id, Value


class RollbackAccepted(Value):
    """The rollback of one change is requested; events about it come after `events_after`."""

    enhancement_id: Id
    wave_id: Id
    events_after: int


class RollbacksAccepted(Value):
    """The rollback of several changes is requested; it ends with a `RollbackFinished` of its id."""

    rollback_id: Id
    events_after: int


class DecisionAccepted(Value):
    """A person's decision is published; what follows from it comes after `events_after`."""

    enhancement_id: Id
    wave_id: Id
    events_after: int


class DecisionsAccepted(Value):
    """One decision about several changes is published."""

    items: tuple[DecisionAccepted, ...]
