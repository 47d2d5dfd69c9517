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
    """A branch shown to people as a pull request, up to `commit`.

    `id` is that of the wave or enhancement it is for. It is to be merged into `base_branch` and has
    `enhancements`, in order; those in `rolled_back` were reverted on it. `reason` says why it is
    not open.
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
