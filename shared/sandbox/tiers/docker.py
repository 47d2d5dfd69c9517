"""Tier B, Docker: a container with this machine's own toolchain, mounted read-only."""

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
from shared.sandbox.job import UNPRIVILEGED_UID, Job, StartedCommand, change_owner, open_directories
from shared.sandbox.tiers import bubblewrap

# Our own list of system calls, as Docker's depends on its version; before 23.0 it had AF_VSOCK.
PROFILE = Path(__file__).with_name("docker_seccomp.json")
# An image of nothing but the links and mount points that the toolchain needs.
IMAGE = "groundswell-sandbox:1"
LABEL = "groundswell.supervisor"
CLIENT_TIMEOUT_SECONDS = 60
EXIT_SANDBOX_FAILED = 125
# The processes are the daemon's, and the supervisor cannot learn what they used.
RUNS_AS_DESCENDANTS = False
# The command is not the container's first process, which ignores signals without a handler.
INIT = '"$@"; exit $?'


def preload() -> None:
    """Do nothing: importing this module loads all that it needs."""


def prepare() -> None:
    """Import the image if it is missing, and remove containers whose supervisors are dead.

    Raises OSError with the reason where no daemon answers.
    """
    program = _program()
    _run_client(program, "version", "--format", "{{.Server.Version}}")
    for line in _run_client(
        program, "ps", "-a", "--format", f'{{{{.ID}}}} {{{{.Label "{LABEL}"}}}}'
    ).splitlines():
        container, _, owner = line.partition(" ")
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            _run_client(program, "rm", "--force", container)
    if not _run_client(program, "images", "--quiet", IMAGE):
        _run_client(program, "import", "-", IMAGE, standard_input=_image())


def start(job: Job, output: int) -> StartedCommand:
    """Start the Docker client, which ends when its container does."""
    program = _program()
    if os.geteuid() == 0:
        change_owner([job.tree, job.scratch, *job.writable], UNPRIVILEGED_UID)
    opened = open_directories(job)
    name = f"groundswell-{secrets.token_hex(8)}"
    argv = [program, *_arguments(job, name)]
    child = processes.fork_child()
    if child == 0:
        processes.prepare_child(output, {})
        os.execve(program, argv, _client_environment())  # noqa: S606
    return StartedCommand(child, opened, job.writable, container=name)


def clean_up(started: StartedCommand) -> int:
    """Remove the container; return 0, or 1 if it could not be removed."""
    try:
        _run_client(_program(), "rm", "--force", started.container)
    except OSError as error:
        return 0 if "No such container" in str(error) else 1
    return 0


def command_exit_code(code: int) -> int | None:
    """Return the exit code, negative for a signal; None where Docker started no container (125)."""
    return None if code == EXIT_SANDBOX_FAILED else bubblewrap.command_exit_code(code)


def _arguments(job: Job, name: str) -> Iterator[str]:
    """Yield the arguments of `docker run` for a container of that name."""
    user = UNPRIVILEGED_UID if os.geteuid() == 0 else os.geteuid()
    limits = job.limits
    yield from ("run", "--rm", "--name", name, "--label", f"{LABEL}={os.getpid()}")
    yield from ("--user", f"{user}:{user}", "--workdir", job.tree, "--hostname", "sandbox")
    yield from ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
    yield from ("--security-opt", f"seccomp={PROFILE}")
    yield from ("--pids-limit", str(limits.processes))
    yield from ("--memory", str(limits.memory), "--memory-swap", str(limits.memory))
    yield from ("--ulimit", f"fsize={limits.file_size}", "--ulimit", f"nofile={limits.open_files}")
    yield from ("--ulimit", "core=0", "--ulimit", f"cpu={int(limits.cpu)}")
    yield from ("--shm-size", str(bubblewrap.SHARED_MEMORY_BYTES))
    yield from ("--tmpfs", f"/tmp:rw,nosuid,nodev,exec,size={bubblewrap.TEMPORARY_BYTES}")  # noqa: S108
    if not job.network:
        yield from ("--network", "none")
    for variable, value in job.env.items():
        yield from ("--env", f"{variable}={value}")
    for source, dest in _readable(job):
        yield from ("--volume", f"{source}:{dest}:ro")
    for each in (job.tree, job.scratch, *job.writable):
        yield from ("--volume", f"{each}:{each}")
    yield from (IMAGE, "/bin/sh", "-c", INIT, "sandbox", *job.argv)


def _readable(job: Job) -> Iterator[tuple[str, str]]:
    """Yield what to mount read-only, as pairs of a source and its destination."""
    for each in toolchain.system_directories():
        if not Path(each).is_symlink():
            yield each, each
    yield job.etc, "/etc"
    for each in job.readable:
        if bubblewrap.is_outside_system(each) and Path(each).exists():
            yield os.path.realpath(each), each


def _program() -> str:
    """Return the path of the Docker client. Raises OSError without one."""
    found = shutil.which("docker", path="/usr/local/bin:/usr/bin:/bin")
    if found is None:
        raise OSError("there is no docker command")
    return found


def _client_environment() -> dict[str, str]:
    """Return the client's environment; it finds the daemon's socket by itself."""
    return {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}


def _run_client(program: str, *arguments: str, standard_input: bytes = b"") -> str:
    """Run the Docker client and return its output, stripped. Raises OSError where it fails.

    It also fails where the daemon does not answer within `CLIENT_TIMEOUT_SECONDS`.
    """
    try:
        done = subprocess.run(
            [program, *arguments],
            input=standard_input,
            capture_output=True,
            env=_client_environment(),
            timeout=CLIENT_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        command = f"docker {arguments[0]}"
        raise OSError(f"{command} took more than {CLIENT_TIMEOUT_SECONDS} seconds") from None
    if done.returncode != 0:
        raise OSError(done.stderr.decode(errors="replace").strip()[-300:])
    return done.stdout.decode(errors="replace").strip()


def _image() -> bytes:
    """Return a tar archive of a root directory with this machine's links (/bin to usr/bin)."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for each in map(Path, toolchain.system_directories()):
            entry = tarfile.TarInfo(each.name)
            entry.mode = 0o755
            entry.type = tarfile.SYMTYPE if each.is_symlink() else tarfile.DIRTYPE
            entry.linkname = str(each.readlink()) if each.is_symlink() else ""
            archive.addfile(entry)
    return content.getvalue()
