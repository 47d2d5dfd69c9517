"""The probe of a sandbox: run an intruder in it that attacks decoys on this machine."""

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from shared.sandbox import intruder
from shared.sandbox.ports import MIB, Command, Completed, Limits, Sandbox

ANSWER = "answer.json"
MAX_PROCESSES = 48
TIMEOUT_SECONDS = 20
SYSTEM_PYTHON = Path("/usr/bin/python3")


async def probe(sandbox: Sandbox, workspace: Path) -> str:
    """Return why this sandbox cannot be trusted on this machine, in a sentence; empty if it can.

    `workspace` is an empty directory on the file system that commands will work in.
    """
    python = reachable_python(sandbox)
    if python is None:
        return "no Python is installed where an unprivileged user can read it"
    with decoys(workspace) as spec:
        command = _command(workspace, spec, python)
        completed = await sandbox.run(command)
        daemon_survived = _is_running(spec["mark"])
    return _judge(completed, daemon_survived)


def reachable_python(sandbox: Sandbox) -> Path | None:
    """Return a Python that a command in this sandbox can run, if there is one."""
    ours = Path(os.path.realpath(getattr(sys, "_base_executable", sys.executable)))
    return next(
        (each for each in (ours, SYSTEM_PYTHON) if each.exists() and sandbox.can_read(each)), None
    )


def _judge(completed: Completed, daemon_survived: bool) -> str:
    """Return the problem that the intruder's report shows; empty if there is none."""
    if completed.abort_reason:
        return completed.abort_reason
    if ANSWER not in completed.reports:
        output = completed.tail(3) or f"the probe ended with {completed.exit_code}"
        return f"it cannot run Python here: {output}"
    succeeded: list[str] = json.loads(completed.reports[ANSWER])
    if daemon_survived:
        succeeded.append("leave_a_daemon")
    if not succeeded:
        return ""
    return f"an intruder could: {', '.join(succeeded).replace('_', ' ')}"


def _command(workspace: Path, spec: Mapping[str, str], python: Path) -> Command:
    """Return the command that runs the intruder against decoys; its files are written."""
    tree, scratch = workspace / "inside" / "tree", workspace / "inside" / "run"
    for each in (tree, scratch):
        each.mkdir(parents=True)
    program = scratch / "intruder.py"
    program.write_text(Path(intruder.__file__).read_text())
    specification = {**spec, "answer": str(scratch / ANSWER), "processes": str(MAX_PROCESSES)}
    return Command(
        argv=(str(python), "-I", str(program), json.dumps(specification)),
        tree=tree,
        scratch=scratch,
        readable=(python.parent.parent,),
        reports=(ANSWER,),
        limits=Limits(
            wall=TIMEOUT_SECONDS, processes=MAX_PROCESSES, memory=512 * MIB, disk=16 * MIB
        ),
    )


@contextmanager
def decoys(workspace: Path) -> Iterator[dict[str, str]]:
    """Set up what the intruder attacks, and yield it: files, servers and a process of this user."""
    secret, name = secrets.token_hex(16), secrets.token_hex(8)
    (workspace / "secret").write_text(secret)
    (workspace / "secret").chmod(0o644)
    (workspace / "open").mkdir()
    (workspace / "open").chmod(0o777)
    (workspace / "open" / "canary").touch()
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="gs-") as short:
        Path(short).chmod(0o755)
        path = str(Path(short, "s"))
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        for address in ("\0" + name, path):
            server = stack.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(address)
            server.listen()
        Path(path).chmod(0o777)
        with _decoy_process(secret) as process:
            yield {
                "file": str(workspace / "secret"),
                "secret": secret,
                "open": str(workspace / "open"),
                "port": str(listening.getsockname()[1]),
                "abstract": name,
                "socket": path,
                "process": str(process.pid),
                "mark": name,
            }


@contextmanager
def _decoy_process(secret: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a process with a secret in its environment for the `with` block."""
    with subprocess.Popen(["sleep", "60"], env={"PATH": os.defpath, "SECRET": secret}) as process:
        try:
            yield process
        finally:
            process.kill()


def _is_running(mark: str) -> bool:
    """Return whether a living process on this machine has `mark` among its arguments."""
    for each in psutil.process_iter():
        try:
            if mark in each.cmdline() and each.status() != psutil.STATUS_ZOMBIE:
                return True
        except psutil.Error:
            continue
    return False
