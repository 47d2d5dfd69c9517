"""Tier C: Landlock and seccomp by sandlock. It needs no namespaces and no root."""

import os
import signal
from types import ModuleType

from shared.sandbox import processes, toolchain
from shared.sandbox.job import UNPRIVILEGED, Begun, Job, own, places
from shared.sandbox.tiers.rlimits import NOT_THERE

try:
    import sandlock as _sandlock
except (ImportError, OSError):
    sandlock: ModuleType | None = None
else:
    sandlock = _sandlock

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty")
WRITABLE_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty")
# What sandlock leaves open and no test suite needs.
DENIED = ("ptrace", "process_vm_readv", "process_vm_writev", "io_uring_setup", "userfaultfd")
NOT_MADE = 125
# Its processes are descendants of their supervisor.
BELOW_US = True


def preload() -> None:
    """The library is loaded by importing this module."""


def begin(job: Job, output: int) -> Begun:
    """Start a keeper process, which confines the command, watches its system calls, and ends as it does."""
    if sandlock is None:
        raise OSError("sandlock is not installed")
    if os.geteuid() == 0:
        own([job.tree, job.scratch, *job.writable], UNPRIVILEGED)
    opened = places(job)
    child = processes.fork_child()
    if child == 0:
        processes.settle(output, processes.kernel_limits(job.limits))
        if os.geteuid() == 0:
            processes.drop_root(UNPRIVILEGED)
        _keep(job)
    return Begun(child, opened, job.writable)


def _keep(job: Job) -> None:
    assert sandlock is not None
    found = _find(job)
    if found is None:
        os.write(1, f"groundswell: cannot run {job.argv[0]}: No such file or directory\n".encode())
        os._exit(NOT_THERE)
    same = sandlock.StdioMode.INHERIT
    sandbox = sandlock.Sandbox(**_policy(job))
    try:
        ended = sandbox.popen([found, *job.argv[1:]], stdin=same, stdout=same, stderr=same).wait()
    except (RuntimeError, ValueError, sandlock.SandlockError) as error:
        os.write(1, f"groundswell: sandlock: {error}\n".encode())
        os._exit(NOT_MADE)
    if ended.signal > 0:
        signal.signal(ended.signal, signal.SIG_DFL)
        os.kill(os.getpid(), ended.signal)
    os._exit(ended.exit_code & 0xFF)


def _find(job: Job) -> str | None:
    """The program by the job's own PATH: sandlock would look along ours."""
    if "/" in job.argv[0]:
        return job.argv[0]
    paths = (os.path.join(each, job.argv[0]) for each in job.env["PATH"].split(":"))  # noqa: PTH118
    return next((each for each in paths if os.access(each, os.X_OK)), None)


def _policy(job: Job) -> dict[str, object]:
    readable = [*toolchain.directories(), *toolchain.configuration()]
    if job.network:
        readable.append(toolchain.RESOLVER)
    return {
        "fs_readable": [*readable, "/proc", *DEVICES, *filter(os.path.exists, job.readable)],
        "fs_writable": [job.tree, job.scratch, *WRITABLE_DEVICES, *job.writable],
        "cwd": job.tree,
        "clean_env": True,
        "env": dict(job.env),
        "max_processes": job.limits.processes,
        "extra_deny_syscalls": list(DENIED),
        "net_allow": ["tcp://*:*", "udp://*:*"] if job.network else [],
    }


def end(_: Begun) -> int:
    """Nothing of it is anywhere but below us."""
    return 0


def exit_code(code: int) -> int | None:
    """As it is; the keeper ends with 125 where the kernel would not confine it."""
    return None if code == NOT_MADE else code
