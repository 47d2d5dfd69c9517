"""Whether a sandbox holds: an intruder is run in it, against things put there to be attacked."""

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
PROCESSES = 48
SYSTEM_PYTHON = Path("/usr/bin/python3")


async def probe(sandbox: Sandbox, room: Path) -> str:
    """Why this sandbox cannot be trusted on this machine, in a sentence; empty where it can.

    `room` is an empty directory on the file system that commands will work in.
    """
    python = reachable_python(sandbox)
    if python is None:
        return "no Python is installed where an unprivileged user can read it"
    with victims(room) as spec:
        command = _command(room, spec, python)
        completed = await sandbox.run(command)
        lives = _lives(spec["mark"])
    return _judge(completed, lives)


def reachable_python(sandbox: Sandbox) -> Path | None:
    """A Python that a command in this sandbox could run."""
    ours = Path(os.path.realpath(getattr(sys, "_base_executable", sys.executable)))
    return next(
        (each for each in (ours, SYSTEM_PYTHON) if each.exists() and sandbox.can_read(each)), None
    )


def _judge(completed: Completed, lives: bool) -> str:
    if completed.abort_reason:
        return completed.abort_reason
    if ANSWER not in completed.reports:
        said = completed.tail(3) or f"the probe ended with {completed.exit_code}"
        return f"it cannot run Python here: {said}"
    could: list[str] = json.loads(completed.reports[ANSWER])
    if lives:
        could.append("leave_a_daemon")
    return f"an intruder could: {', '.join(could).replace('_', ' ')}" if could else ""


def _command(room: Path, spec: Mapping[str, str], python: Path) -> Command:
    tree, scratch = room / "inside" / "tree", room / "inside" / "run"
    for each in (tree, scratch):
        each.mkdir(parents=True)
    program = scratch / "intruder.py"
    program.write_text(Path(intruder.__file__).read_text())
    told = {**spec, "answer": str(scratch / ANSWER), "processes": str(PROCESSES)}
    return Command(
        argv=(str(python), "-I", str(program), json.dumps(told)),
        tree=tree,
        scratch=scratch,
        readable=(python.parent.parent,),
        reports=(ANSWER,),
        limits=Limits(wall=20, processes=PROCESSES, memory=512 * MIB, disk=16 * MIB),
    )


@contextmanager
def victims(room: Path) -> Iterator[dict[str, str]]:
    """A secret file, an open directory, three servers and a process, all of them this user's or anybody's."""
    secret, name = secrets.token_hex(16), secrets.token_hex(8)
    (room / "secret").write_text(secret)
    (room / "secret").chmod(0o644)
    (room / "open").mkdir()
    (room / "open").chmod(0o777)
    (room / "open" / "canary").touch()
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="gs-") as short:
        Path(short).chmod(0o755)
        path = str(Path(short, "s"))
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        for address in ("\0" + name, path):
            server = stack.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(address)
            server.listen()
        Path(path).chmod(0o777)
        with _victim(secret) as process:
            yield {
                "file": str(room / "secret"),
                "secret": secret,
                "open": str(room / "open"),
                "port": str(listening.getsockname()[1]),
                "abstract": name,
                "socket": path,
                "process": str(process.pid),
                "mark": name,
            }


@contextmanager
def _victim(secret: str) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(["sleep", "60"], env={"PATH": os.defpath, "SECRET": secret}) as process:
        try:
            yield process
        finally:
            process.kill()


def _lives(mark: str) -> bool:
    for each in psutil.process_iter():
        try:
            if mark in each.cmdline() and each.status() != psutil.STATUS_ZOMBIE:
                return True
        except psutil.Error:
            continue
    return False
