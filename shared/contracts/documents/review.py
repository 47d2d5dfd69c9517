"""Pull requests that show what landed."""

from datetime import datetime

from shared.contracts.base import (
    Id,
    Oid,
)
from shared.contracts.documents.base import Document
from shared.contracts.states import (
    PullRequestState,
)


class PullRequest(Document):
    """A branch that is shown to people, up to `commit`; `id` is what it is for, a wave's or a change's.

    `base_branch` is the branch it is to be merged into. `enhancements` are on it, in their order, and
    `rolled_back` those among them whose reverts are as well. `reason` says why it is not open.
    """

    target_id: Id
    wave_id: str
    branch: str
    base_branch: str
    commit: Oid
    enhancements: tuple[Id, ...]
    rolled_back: tuple[Id, ...] = ()
    state: PullRequestState = PullRequestState.WANTED
    url: str = ""
    reason: str = ""
    created_at: datetime
    changed_at: datetime
