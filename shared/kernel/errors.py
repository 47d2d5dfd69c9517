"""Error families: the family alone decides what becomes of a message or a request.

`Rejected` is wrong input and never tried again (dead letter, HTTP 4xx, exit code 2). `Transient` is
tried again later. Anything else is a defect: tried again a few times, then a dead letter.
"""


class GroundswellError(Exception):
    """An error a person may read: what was wrong, and what to do about it."""

    code = "error"

    def __init__(self, message: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or type(self).code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class Rejected(GroundswellError):
    """The input is wrong; the same input will be wrong again."""

    code = "rejected"


class NotFound(Rejected):
    """No such thing under that id."""

    code = "not_found"


class Conflict(Rejected):
    """The thing exists, and its present state forbids what was asked."""

    code = "conflict"


class Transient(GroundswellError):
    """Not now: the same input may succeed later. `delay` is in seconds."""

    code = "transient"

    def __init__(self, message: str, *, hint: str = "", delay: float = 1.0) -> None:
        super().__init__(message, hint=hint)
        self.delay = delay
