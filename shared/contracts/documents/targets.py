"""Targets: the repositories being improved."""

from datetime import datetime

from shared.contracts.base import (
    Id,
    Oid,
    Value,
)
from shared.contracts.documents.base import Document


class SuiteAdjustment(Value):
    """What was changed of what a target's files say, because its tests only run so.

    It holds for profiles with the digest `basis`. `command` replaces the test command, if it is not
    empty, and `framework` names how its results are read. `as_of` is the time after which nothing
    that is installed was published. `notes` tell people in sentences what was done, and why.
    """

    basis: str
    command: tuple[str, ...] = ()
    framework: str = ""
    as_of: str = ""
    notes: tuple[str, ...] = ()


class Target(Document):
    """A repository and one base branch of it.

    Another root commit at the same path is another target. `bare` says that a repository on this
    machine has no work tree. `adjustment` is what makes its tests run, where they do not run
    as its files say; `suite_basis` is the basis for which that was last found out.
    """

    id: Id
    location: str
    root_commit: Oid
    name: str
    base_branch: str
    landing_branch: str
    detached: bool = False
    bare: bool = False
    adjustment: SuiteAdjustment | None = None
    suite_basis: str = ""
    created_at: datetime

    @property
    def direct(self) -> bool:
        """Return whether changes land on the base branch itself."""
        return self.landing_branch == self.base_branch
