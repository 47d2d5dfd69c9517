"""Commands about proposed and landed changes, and what clients send of them."""

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from shared.contracts.base import (
    Id,
    Message,
    Sha256,
    Value,
)
from shared.contracts.commands.base import Reason

Decision = Literal["approve", "reject"]


class RollbackEnhancement(Message):
    """Revert one landed enhancement by a commit that is validated first.

    With `dependents`, changes that depend on it are reverted too.
    """

    subject: ClassVar[str] = "gs.cmd.enhancement.rollback"
    enhancement_id: Id
    reason: Reason = "rolled back by request"
    dependents: bool = False


class RollbackEnhancements(Message):
    """Revert everything that a wave landed, or that landed since a time; all of it or nothing.

    With `dependents`, later changes that depend on it are reverted too; otherwise they are a reason
    to refuse.
    """

    subject: ClassVar[str] = "gs.cmd.enhancement.rollback_all"
    rollback_id: Id
    target_id: Id
    wave_id: Id | None = None
    since: AwareDatetime | None = None
    reason: Reason = "rolled back by request"
    dependents: bool = False

    @model_validator(mode="after")
    def _names_something(self) -> "RollbackEnhancements":
        """Raise ValueError unless a wave or a time says what to roll back."""
        if self.wave_id is None and self.since is None:
            raise ValueError("either wave_id or since is required")
        return self


class GivenDecision(Value):
    """The reason for a decision, and who made it."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
    by: str = Field(default="", max_length=200)


class ApprovalFilter(Value):
    """Changes that need approval: of a target (its id or location), a rule and a component.

    What is empty selects all; a rule is named `tool:code`, or by its code alone.
    """

    target: str = Field(default="", max_length=4096)
    rule: str = Field(default="", max_length=200)
    component: str = Field(default="", max_length=200)


class DecisionOnMany(GivenDecision, ApprovalFilter):
    """One decision about all changes that need approval and that the filter selects."""


class DecisionReason(GivenDecision):
    """The reason for a decision, who made it, and for which patch (by default the present one)."""

    patch: Sha256 | None = None


class DecideEnhancement(Message):
    """Approve or reject a change that needs approval; with `patch`, only if that is its patch."""

    subject: ClassVar[str] = "gs.cmd.enhancement.decide"
    enhancement_id: Id
    decision: Decision
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
    by: str = Field(default="", max_length=200)
    patch: Sha256 | None = None


class RollbackOptions(Value):
    """The reason for a rollback, and whether changes that depend on it are reverted too."""

    reason: Reason = ""
    dependents: bool = False


class RollbackSince(RollbackOptions):
    """Revert everything that landed on a target (its id or its location) since a time.

    `base` chooses one of several base branches that were improved at a location.
    """

    target: str = Field(max_length=4096)
    since: AwareDatetime
    base: str | None = Field(default=None, max_length=255)
