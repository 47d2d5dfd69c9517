"""Tier B: a container of the Docker daemon, made of this machine's own toolchain, mounted read-only."""

import io
import os
import secrets
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from shared.sandbox import processes, toolchain
from shared.sandbox.job import UNPRIVILEGED, Begun, Job, own, places
from shared.sandbox.tiers import bubblewrap

# Docker's own list of system calls differs from version to version; before 23.0 it had AF_VSOCK.
PROFILE = Path(__file__).with_name("docker_seccomp.json")
# Nothing but the links and mount points that the toolchain needs.
IMAGE = "groundswell-sandbox:1"
LABEL = "groundswell.supervisor"
PATIENCE = 60
NOT_MADE = 125
# Its processes are the daemon's, and their supervisor never learns what they used.
BELOW_US = False
# The first process of a container ignores signals that would end another, so it is not the command.
FIRST = '"$@"; exit $?'


def preload() -> None:
    """All is loaded by importing this module."""


def prepare() -> None:
    """Ask the daemon, make the image where it is missing, and remove what dead supervisors left.

    Raises OSError with the reason where there is no daemon.
    """
    program = _program()
    _ask(program, "version", "--format", "{{.Server.Version}}")
    for line in _ask(
        program, "ps", "-a", "--format", f'{{{{.ID}}}} {{{{.Label "{LABEL}"}}}}'
    ).splitlines():
        container, _, owner = line.partition(" ")
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            _ask(program, "rm", "--force", container)
    if not _ask(program, "images", "--quiet", IMAGE):
        _ask(program, "import", "-", IMAGE, given=_image())


def begin(job: Job, output: int) -> Begun:
    """Start the client, which ends as the container does."""
    program = _program()
    if os.geteuid() == 0:
        own([job.tree, job.scratch, *job.writable], UNPRIVILEGED)
    opened = places(job)
    name = f"groundswell-{secrets.token_hex(8)}"
    argv = [program, *_arguments(job, name)]
    child = processes.fork_child()
    if child == 0:
        processes.settle(output, {})
        os.execve(program, argv, _client())  # noqa: S606
    return Begun(child, opened, job.writable, name=name)


def end(begun: Begun) -> int:
    """The container is the daemon's child and not ours; 1 where it could not be removed."""
    try:
        _ask(_program(), "rm", "--force", begun.name)
    except OSError as error:
        return 0 if "No such container" in str(error) else 1
    return 0


def exit_code(code: int) -> int | None:
    """As bubblewrap's; `docker run` itself ends with 125 where it made no container."""
    return None if code == NOT_MADE else bubblewrap.exit_code(code)


def _arguments(job: Job, name: str) -> Iterator[str]:
    user = UNPRIVILEGED if os.geteuid() == 0 else os.geteuid()
    limits = job.limits
    yield from ("run", "--rm", "--name", name, "--label", f"{LABEL}={os.getpid()}")
    yield from ("--user", f"{user}:{user}", "--workdir", job.tree, "--hostname", "sandbox")
    yield from ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
    yield from ("--security-opt", f"seccomp={PROFILE}")
    yield from ("--pids-limit", str(limits.processes))
    yield from ("--memory", str(limits.memory), "--memory-swap", str(limits.memory))
    yield from ("--ulimit", f"fsize={limits.file_size}", "--ulimit", f"nofile={limits.open_files}")
    yield from ("--ulimit", "core=0", "--ulimit", f"cpu={int(limits.cpu)}")
    yield from ("--shm-size", str(bubblewrap.SHARED_MEMORY))
    yield from ("--tmpfs", f"/tmp:rw,nosuid,nodev,exec,size={bubblewrap.TEMPORARY}")  # noqa: S108
    if not job.network:
        yield from ("--network", "none")
    for variable, value in job.env.items():
        yield from ("--env", f"{variable}={value}")
    for source, place in _readable(job):
        yield from ("--volume", f"{source}:{place}:ro")
    for each in (job.tree, job.scratch, *job.writable):
        yield from ("--volume", f"{each}:{each}")
    yield from (IMAGE, "/bin/sh", "-c", FIRST, "sandbox", *job.argv)


def _readable(job: Job) -> Iterator[tuple[str, str]]:
    for each in toolchain.directories():
        if not Path(each).is_symlink():
            yield each, each
    yield job.etc, "/etc"
    for each in job.readable:
        if bubblewrap.beyond_system(each) and Path(each).exists():
            yield os.path.realpath(each), each


def _program() -> str:
    found = shutil.which("docker", path="/usr/local/bin:/usr/bin:/bin")
    if found is None:
        raise OSError("there is no docker command")
    return found


def _client() -> dict[str, str]:
    """All that the client is told; it finds the daemon's own socket by itself."""
    return {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}


def _ask(program: str, *arguments: str, given: bytes = b"") -> str:
    done = subprocess.run(
        [program, *arguments],
        input=given,
        capture_output=True,
        env=_client(),
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode != 0:
        raise OSError(done.stderr.decode(errors="replace").strip()[-300:])
    return done.stdout.decode(errors="replace").strip()


def _image() -> bytes:
    """A root directory with this machine's links, such as /bin to usr/bin."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for each in map(Path, toolchain.directories()):
            entry = tarfile.TarInfo(each.name)
            entry.mode = 0o755
            entry.type = tarfile.SYMTYPE if each.is_symlink() else tarfile.DIRTYPE
            entry.linkname = str(each.readlink()) if each.is_symlink() else ""
            archive.addfile(entry)
    return content.getvalue()
