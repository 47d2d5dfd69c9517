"""Failures of a single tool, without which the rest of the work goes on."""

from shared.kernel.cancellation import Cancelled
from shared.kernel.errors import GroundswellError, ToolFailed

MAX_WORDS_CHARACTERS = 200


def is_tool_failure(error: Exception) -> bool:
    """Return whether an exception says that one tool failed, rather than what is asked of all.

    A wrong configuration, work that is cancelled and what has to be tried again are no failures of
    a tool.
    """
    return isinstance(error, ToolFailed) or not isinstance(error, GroundswellError | Cancelled)


def failure_note(detector: str, error: Exception) -> str:
    """Return a sentence for the report about a detector that failed."""
    if isinstance(error, FileNotFoundError):
        why = f"the program {error.filename or error} is missing"
    elif isinstance(error, GroundswellError):
        why = error.message
    else:
        why = f"{type(error).__name__}: {error}"
    return f"The detector {detector} failed, and its findings are missing: {shortened(why)}"


def shortened(text: str) -> str:
    """Return the beginning of a text in one line that ends with a full stop."""
    line = " ".join(text.split())
    cut = f"{line[:MAX_WORDS_CHARACTERS]}…" if len(line) > MAX_WORDS_CHARACTERS else line
    return cut if cut.endswith((".", "…")) else f"{cut}."
