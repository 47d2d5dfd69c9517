"""Targets: the repositories being improved."""

from datetime import datetime

from shared.contracts.base import (
    Id,
    Oid,
)
from shared.contracts.documents.base import Document


class Target(Document):
    """A repository and one base branch of it.

    Another root commit at the same path is another target.
    """

    id: Id
    location: str
    root_commit: Oid
    name: str
    base_branch: str
    landing_branch: str
    detached: bool = False
    created_at: datetime

    @property
    def direct(self) -> bool:
        """Return whether changes land on the base branch itself."""
        return self.landing_branch == self.base_branch
