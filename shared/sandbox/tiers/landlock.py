"""Tier C, Landlock and seccomp by way of sandlock, without namespaces and root's rights."""

import os
import signal
from types import ModuleType

from shared.sandbox import processes, toolchain
from shared.sandbox.job import UNPRIVILEGED_UID, Job, StartedCommand, change_owner, open_directories
from shared.sandbox.tiers.rlimits import EXIT_NOT_FOUND

try:
    import sandlock as _sandlock
except (ImportError, OSError):
    sandlock: ModuleType | None = None
else:
    sandlock = _sandlock

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty")
WRITABLE_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty")
# System calls that sandlock permits and no test suite needs.
DENIED_SYSCALLS = (
    "ptrace",
    "pidfd_getfd",
    "process_vm_readv",
    "process_vm_writev",
    "io_uring_setup",
    "userfaultfd",
)
EXIT_SANDBOX_FAILED = 125
RUNS_AS_DESCENDANTS = True


def preload() -> None:
    """Do nothing: importing this module loads the library."""


def start(job: Job, output: int) -> StartedCommand:
    """Start a keeper process, which confines the command and ends as the command does.

    Raises OSError where sandlock is not installed.
    """
    if sandlock is None:
        raise OSError("sandlock is not installed")
    if os.geteuid() == 0:
        change_owner([job.tree, job.scratch, *job.writable], UNPRIVILEGED_UID)
    opened = open_directories(job)
    child = processes.fork_child()
    if child == 0:
        processes.prepare_child(output, processes.kernel_limits(job.limits))
        if os.geteuid() == 0:
            processes.drop_root(UNPRIVILEGED_UID)
        _run_confined(job)
    return StartedCommand(child, opened, job.writable)


def _run_confined(job: Job) -> None:
    """Run the command in this forked child under Landlock, and exit as it did."""
    assert sandlock is not None
    found = _find_program(job)
    if found is None:
        os.write(1, f"groundswell: cannot run {job.argv[0]}: No such file or directory\n".encode())
        os._exit(EXIT_NOT_FOUND)
    same = sandlock.StdioMode.INHERIT
    sandbox = sandlock.Sandbox(**_policy(job))
    try:
        ended = sandbox.popen([found, *job.argv[1:]], stdin=same, stdout=same, stderr=same).wait()
    except (RuntimeError, ValueError, sandlock.SandlockError) as error:
        os.write(1, f"groundswell: sandlock: {error}\n".encode())
        os._exit(EXIT_SANDBOX_FAILED)
    if ended.signal > 0:
        signal.signal(ended.signal, signal.SIG_DFL)
        os.kill(os.getpid(), ended.signal)
    os._exit(ended.exit_code & 0xFF)


def _find_program(job: Job) -> str | None:
    """Return the path of the job's program on its own PATH, if any; sandlock would use ours."""
    if "/" in job.argv[0]:
        return job.argv[0]
    paths = (os.path.join(each, job.argv[0]) for each in job.env["PATH"].split(":"))  # noqa: PTH118
    return next((each for each in paths if os.access(each, os.X_OK)), None)


def _policy(job: Job) -> dict[str, object]:
    """Return the arguments of sandlock's sandbox."""
    readable = [*toolchain.system_directories(), *toolchain.etc_paths()]
    if job.network:
        readable.append(toolchain.RESOLVER)
    return {
        "fs_readable": [*readable, "/proc", *DEVICES, *filter(os.path.exists, job.readable)],
        "fs_writable": [job.tree, job.scratch, *WRITABLE_DEVICES, *job.writable],
        "cwd": job.tree,
        "clean_env": True,
        "env": dict(job.env),
        "max_processes": job.limits.processes,
        "extra_deny_syscalls": list(DENIED_SYSCALLS),
        "net_allow": ["tcp://*:*", "udp://*:*"] if job.network else [],
    }


def clean_up(_: StartedCommand) -> int:
    """Return 0, as all processes of the command are descendants, which the supervisor kills."""
    return 0


def command_exit_code(code: int) -> int | None:
    """Return the exit code; None where the kernel refused to confine the command (125)."""
    return None if code == EXIT_SANDBOX_FAILED else code
