"""Processes of tools, killed when the work that waits for them is cancelled or takes too much."""

import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
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
    output: Path | None = None,
    max_output_bytes: int = sys.maxsize,
    max_memory_bytes: int = 0,
) -> "subprocess.CompletedProcess[bytes]":
    """Run a program to its end and return its exit code and output.

    What it prints goes into the file `output` if there is one, and may have `max_output_bytes`
    there. Its address space is limited where `max_memory_bytes` is not 0 and the system is Linux.
    Raises `Cancelled`, and `ToolFailed` after `timeout` seconds or when it prints too much; the
    program is killed then.
    """
    check_cancelled()
    deadline = time.monotonic() + timeout
    with (
        output.open("wb") if output else nullcontext(subprocess.PIPE) as printed,
        subprocess.Popen(
            argv, cwd=cwd, env=dict(env), stdout=printed, stderr=subprocess.PIPE
        ) as process,
    ):
        if max_memory_bytes:
            _limit_memory(process.pid, max_memory_bytes)
        problem = ""
        while True:
            try:
                text, errors = process.communicate(timeout=POLL_SECONDS)
            except subprocess.TimeoutExpired:
                if time.monotonic() >= deadline:
                    problem = f"took more than {timeout:.0f} s"
                elif output is not None and output.stat().st_size > max_output_bytes:
                    problem = f"printed more than {max_output_bytes:,} bytes"
                if not is_cancelled() and not problem:
                    continue
                process.kill()
                process.communicate()
                break
            return subprocess.CompletedProcess(argv, process.returncode, text, errors)
    check_cancelled()
    raise ToolFailed(f"{Path(argv[0]).name} {problem} and was stopped.", code="tool_timeout")


def _limit_memory(pid: int, size: int) -> None:
    """Limit the address space of a process, where the system can do that to another one."""
    if sys.platform == "linux":
        try:
            resource.prlimit(pid, resource.RLIMIT_AS, (size, size))
        except ProcessLookupError:
            return
