"""Commands about findings."""

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from shared.contracts.base import (
    Id,
    Message,
    Oid,
    Sha256,
    Value,
)


class MeasureFindings(Message):
    """Have the agents run the detectors on `commit`, at the start or the end of the wave."""

    subject: ClassVar[str] = "gs.cmd.findings.measure"
    target_id: Id
    wave_id: Id
    commit: Oid
    moment: Literal["before", "after"]


class LogOrigin(Value):
    """Whose log it is: that of a repository (path, URL or id), by a name of its own.

    A log takes the place of an earlier one of that name. Absolute addresses in it are below `root`,
    by default where the repository is.
    """

    target: str = Field(min_length=1, max_length=4096)
    base: str | None = Field(default=None, max_length=255)
    name: str = Field(default="log", min_length=1, max_length=200)
    root: str = Field(default="", max_length=4096)


class ImportFindings(LogOrigin, Message):
    """Store what a SARIF log of another tool reports about a target.

    The log is given as it is, or by the sha256 under which it is stored.
    """

    subject: ClassVar[str] = "gs.cmd.findings.import"
    log: dict[str, Any] | None = None
    report: Sha256 | None = None
    import_id: Id | None = None

    @model_validator(mode="after")
    def _has_one_log(self) -> "ImportFindings":
        """Raise ValueError unless there is exactly one log."""
        if (self.log is None) == (self.report is None):
            raise ValueError("either log or report is required")
        return self
