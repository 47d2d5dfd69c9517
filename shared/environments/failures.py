"""The errors of steps that failed while an environment was built."""

import re

from shared.kernel.errors import Rejected
from shared.sandbox.ports import Completed

MAX_OUTPUT_LINES = 15
UNREACHABLE_REGISTRY = re.compile(
    r"error sending request|dns error|connect error|connection (refused|reset)"
    r"|network is unreachable|temporary failure in name resolution|timed out"
    r"|Failed to establish a new connection|network was disabled"
    r"|npm ERR! network|EAI_AGAIN|ENOTFOUND",
    re.IGNORECASE,
)


def is_unreachable(completed: Completed) -> bool:
    """Return whether a step failed because a package registry could not be reached."""
    return bool(UNREACHABLE_REGISTRY.search(completed.tail(MAX_OUTPUT_LINES)))


def failure(completed: Completed, *, shown_as: str) -> Rejected:
    """Return the error of a failed step: its reason, last lines of output, and a command to try."""
    reason = "The target's test environment could not be built"
    if completed.abort_reason:
        reason += f": {completed.abort_reason}"
    elif is_unreachable(completed):
        reason += ": a package registry could not be reached."
    else:
        reason += f": a step ended with exit code {completed.exit_code}."
    return Rejected(
        f"{reason}\n{completed.tail(MAX_OUTPUT_LINES)}".strip(),
        hint=f"Try it by hand in a checkout, inside a virtual environment: {shown_as}",
        code="setup_failed",
    )
