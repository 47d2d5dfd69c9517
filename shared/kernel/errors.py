"""The families of errors, which decide what happens to a message or request that failed.

`Rejected` is wrong input and never retried (dead letter, HTTP 4xx, exit code 2). `Transient` is
retried later. Any other exception is a defect: retried a few times, then a dead letter.
"""


class GroundswellError(Exception):
    """An error for people: what was wrong, and as a hint what to do about it."""

    code = "error"

    def __init__(self, message: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or type(self).code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class Rejected(GroundswellError):
    """The input is wrong; the same input would be wrong again."""

    code = "rejected"


class Forbidden(Rejected):
    """Whoever asks may not do this."""

    code = "forbidden"


class NotFound(Rejected):
    """Nothing exists under the given id."""

    code = "not_found"


class ToolFailed(Rejected):
    """A tool crashed, took too long, or said what nobody understands; others may do better."""

    code = "tool_failed"


class Conflict(Rejected):
    """It exists, and its current state does not allow what was asked."""

    code = "conflict"


class Transient(GroundswellError):
    """The same input may succeed after `delay` seconds."""

    code = "transient"

    def __init__(self, message: str, *, hint: str = "", delay: float = 1.0) -> None:
        super().__init__(message, hint=hint)
        self.delay = delay
