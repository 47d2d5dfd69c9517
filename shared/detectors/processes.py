"""Processes of tools, killed when the work that waits for them is cancelled or takes too long."""

import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from shared.kernel.cancellation import check_cancelled, is_cancelled
from shared.kernel.errors import ToolFailed

POLL_SECONDS = 0.2
TIMEOUT_SECONDS = 300.0


def run_tool(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float = TIMEOUT_SECONDS,
) -> "subprocess.CompletedProcess[bytes]":
    """Run a program to its end and return its exit code and output.

    Raises `Cancelled`, and `ToolFailed` after `timeout` seconds; the program is killed then.
    """
    check_cancelled()
    deadline = time.monotonic() + timeout
    with subprocess.Popen(
        argv, cwd=cwd, env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        while True:
            try:
                output, errors = process.communicate(timeout=POLL_SECONDS)
            except subprocess.TimeoutExpired:
                if not is_cancelled() and time.monotonic() < deadline:
                    continue
                process.kill()
                process.communicate()
                break
            return subprocess.CompletedProcess(argv, process.returncode, output, errors)
    check_cancelled()
    raise ToolFailed(
        f"{Path(argv[0]).name} took more than {timeout:.0f} s and was stopped.",
        code="tool_timeout",
    )
