"""Overlaps of proposals, and how each was settled."""

from datetime import datetime
from enum import StrEnum

from shared.contracts.base import AgentTypeName, Id, Value
from shared.contracts.documents.base import Document

# With this begins the reason of a change that waits or ended because of another one.
REASON_PREFIX = "conflict: "


class ConflictKind(StrEnum):
    """How two proposals overlap.

    - disjoint hunks: they change different lines of one file.
    - identical, contained: one makes every edit that the other makes.
    - textual: they need the same lines to be different.
    - signature: one changes how a function is called, and new lines of the other call it.
    - builds on: one was made on top of the other, by the same task.
    """

    DISJOINT_HUNKS = "disjoint hunks"
    IDENTICAL = "identical"
    CONTAINED = "contained"
    TEXTUAL = "textual"
    SIGNATURE = "signature"
    BUILDS_ON = "builds on"


class ConflictStrategy(StrEnum):
    """What is done about an overlap, should the proposal that goes first land.

    - both stand: nothing, as they fit together.
    - stack: the second is judged on the head that has the first.
    - supersede: the second ends, as nothing of it is left to do.
    - remake, send back: the second ends, and its task is repeated on the new head: free by rules,
      or by a model that is told what changed.
    - person: whoever is behind one of them decides.
    """

    BOTH_STAND = "both stand"
    STACK = "stack"
    SUPERSEDE = "supersede"
    REMAKE = "remake"
    SEND_BACK = "send back"
    PERSON = "person"


class ConflictOutcome(StrEnum):
    """How an overlap ended.

    - second stands: the first did not land, so the second goes on as it is.
    - withdrawn: the second ended for another reason while it waited.
    - The others are what their strategy says.
    """

    BOTH_STAND = "both stand"
    SECOND_STANDS = "second stands"
    STACKED = "stacked"
    SUPERSEDED = "superseded"
    REMADE = "remade"
    SENT_BACK = "sent back"
    LEFT_TO_PERSON = "left to a person"
    WITHDRAWN = "withdrawn"


class ConflictParticipant(Value):
    """A proposal that overlaps another one."""

    enhancement_id: Id
    task_id: Id
    wave_id: Id
    agent_type: AgentTypeName
    title: str


class ConflictResolution(Document):
    """Two proposals that overlap, and how that is settled.

    `id` is made of both proposals, in whatever order they were compared, so that there is one for
    each pair. `first` goes first; `second` waits for its end where that matters. `outcome` and
    `resolved_at` are None until then. `reason` is a sentence for people. `waves` are those of both.
    """

    target_id: Id
    waves: tuple[Id, ...]
    first: ConflictParticipant
    second: ConflictParticipant
    kind: ConflictKind
    strategy: ConflictStrategy
    outcome: ConflictOutcome | None = None
    reason: str
    files: tuple[str, ...]
    found_at: datetime
    resolved_at: datetime | None = None
