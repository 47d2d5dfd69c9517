"""Watches: what is measured in the window after a landing."""

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
    """A change under watch, and the commit as which it landed."""

    enhancement_id: Id
    commit: Oid


class BlamedChange(Value):
    """A landed change, and the symptoms it caused."""

    enhancement_id: Id
    symptoms: tuple[str, ...]


class ProbeResult(Value):
    """The result of one probe (tests or findings) in a check.

    `symptoms` are what got worse, such as test ids. drifted: it is as bad without the changes ·
    unrepeated: it did not occur again · unexplained: no single change caused it.
    """

    probe: str
    outcome: Literal["healthy", "drifted", "unrepeated", "unexplained", "blamed", "unmeasured"]
    symptoms: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    blamed: tuple[BlamedChange, ...] = ()
    note: str = ""


class Watch(Document):
    """Changes that landed together, and the checks after their landing. `id` is `<target>:<after>`.

    `changes` are the commits after `before` up to `after`, in order; `run` let them land, if known.
    Of the `checks` within `minutes`, `checks_done` are over and `checks_missed` of those were not
    made; the next is due at `due_at`. `current_check` is the number of the check in progress (0:
    none) since `check_started_at`; `results` are what it found on `head`. `rolled_back` are the
    changes that this watch had reverted, `notes` describe each check.

    One field per fact that a check needs, so that each is updated on its own.
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
