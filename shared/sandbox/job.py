"""Jobs for supervisors, sent as one line of JSON, and the commands that tiers start from them."""

import json
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shared.sandbox.ports import Command, Limits

SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin")
# The environment variable that marks every process of a command with its scratch directory.
SCRATCH_VARIABLE = "GROUNDSWELL_SCRATCH"
# The user that commands run as where we are root; unused in systemd's list (docs/UIDS-GIDS.md).
UNPRIVILEGED_UID = 60578


def is_traversable(path: str) -> bool:
    """Return whether the unprivileged user may traverse all directories above `path`."""
    return all(_lets_through(each.stat()) for each in Path(path).parents)


def _lets_through(found: os.stat_result) -> bool:
    """Return whether the unprivileged user may traverse the directory with this status."""
    if found.st_uid == UNPRIVILEGED_UID:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == UNPRIVILEGED_UID:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


@dataclass(frozen=True)
class Job:
    """A command for one supervisor, and the tier to run it in; paths are strings here."""

    tier: str
    argv: tuple[str, ...]
    tree: str
    scratch: str
    env: Mapping[str, str]
    readable: tuple[str, ...]
    writable: tuple[str, ...]
    etc: str
    network: bool
    limits: Limits

    @classmethod
    def from_command(cls, command: Command, tier: str, etc: Path) -> "Job":
        """Return the job that runs `command`; `etc` is from `configuration.assemble_etc`."""
        return cls(
            tier=tier,
            argv=command.argv,
            tree=str(command.tree),
            scratch=str(command.scratch),
            env=_environment(command),
            readable=tuple(map(str, command.readable)),
            writable=tuple(map(str, command.writable)),
            etc=str(etc),
            network=command.network,
            limits=command.limits,
        )

    @property
    def workspace(self) -> str:
        """The directory that contains the tree and the scratch directory, and nothing else."""
        return str(Path(self.tree).parent)

    @property
    def keeps_tree(self) -> bool:
        """True if the command's changes to its tree are kept."""
        return self.tree in self.writable

    def to_line(self) -> bytes:
        """Return the job as one line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "Job":
        """Return the job that `to_line` made `line` of."""
        body: dict[str, Any] = json.loads(line)
        body["limits"] = Limits(**body["limits"])
        for name in ("argv", "readable", "writable"):
            body[name] = tuple(body[name])
        return cls(**body)


@dataclass(frozen=True)
class StartedCommand:
    """A command that a tier started, as the child process `child`.

    `directories` are descriptors of its tree and its scratch directory as the command sees them, or
    empty where the sandbox could not be set up. `written` are paths of further directories that
    count towards its disk limits. The descriptor `held` stays open until the end. `container` is
    the name by which the tier finds it again.
    """

    child: int
    directories: tuple[int, ...] = ()
    written: tuple[str, ...] = ()
    held: int = -1
    container: str = ""


def _environment(command: Command) -> dict[str, str]:
    """Return the environment variables that the command gets."""
    return {
        "PATH": ":".join((*map(str, command.path), *SYSTEM_PATH)),
        "HOME": str(command.scratch / "home"),
        "TMPDIR": str(command.scratch / "tmp"),
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        **command.env,
        SCRATCH_VARIABLE: str(command.scratch),
    }


def open_directories(job: Job) -> tuple[int, int]:
    """Open the job's tree and scratch directory, and return their descriptors."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    return os.open(job.tree, flags), os.open(job.scratch, flags)


def change_owner(paths: Sequence[str], uid: int) -> None:
    """Make the user `uid` the owner of directories and all below them, without following links."""
    for path in paths:
        if Path(path).lstat().st_uid == uid:
            continue
        os.chown(path, uid, uid, follow_symlinks=False)
        for folder, names, files in os.walk(path):
            for name in (*names, *files):
                os.chown(os.path.join(folder, name), uid, uid, follow_symlinks=False)  # noqa: PTH118
