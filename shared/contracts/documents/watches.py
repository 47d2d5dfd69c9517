"""What is measured in the window after a landing."""

from datetime import datetime
from typing import Literal

from shared.contracts.base import (
    Id,
    Oid,
    Value,
)
from shared.contracts.documents.base import Document
from shared.contracts.states import (
    WatchState,
)


class WatchedChange(Value):
    """One of the changes that are watched, and the commit as which it landed."""

    enhancement_id: Id
    commit: Oid


class BlamedChange(Value):
    """A landed change, and what got worse by it."""

    enhancement_id: Id
    symptoms: tuple[str, ...]


class ProbeResult(Value):
    """What one probe (tests, findings) says in a check.

    `symptoms` are what got worse, such as test ids. `drifted`: so it is without the changes;
    `unrepeated`: it did not stay so; `unexplained`: it is worse, and no single change made it so.
    """

    probe: str
    outcome: Literal["healthy", "drifted", "unrepeated", "unexplained", "blamed", "unmeasured"]
    symptoms: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    blamed: tuple[BlamedChange, ...] = ()
    note: str = ""


class Watch(Document):
    """Changes that landed together, and what is measured after them. `id` is `<target>:<after>`.

    They stand on `before`, in their order, and end with `after`; `run` is what let them land, where
    that is known. Of `checks` checks within `minutes`, `checks_done` are behind us and `checks_missed` of those
    were not made; the next is `due_at`. While one is at work, `current_check` is its number and `check_started_at`
    when it began; `results` are what it found on `head`, until all that follows from it is done.
    `rolled_back` are those of its changes that a watch had taken off, `notes` say what each check found.
    """

    target_id: Id
    wave_id: Id
    before: Oid
    after: Oid
    changes: tuple[WatchedChange, ...]
    run: Id | None = None
    state: WatchState = WatchState.WATCHING
    minutes: float
    checks: int
    checks_done: int = 0
    checks_missed: int = 0
    due_at: datetime
    current_check: int = 0
    check_started_at: datetime | None = None
    results: tuple[ProbeResult, ...] = ()
    head: Oid | None = None
    rolled_back: tuple[Id, ...] = ()
    notes: tuple[str, ...] = ()
    reason: str = ""
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None = None
