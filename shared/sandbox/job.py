"""A command as its supervisor gets it: plain values, sent as one line of JSON."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shared.sandbox.ports import Command, Limits

SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin")
# Every process of a command carries its scratch directory in this variable.
MARKER = "GROUNDSWELL_SCRATCH"
# Whom root's commands become. systemd's list of uids (docs/UIDS-GIDS.md there) has it as unused.
UNPRIVILEGED = 60578


@dataclass(frozen=True)
class Job:
    """What one supervisor has to run, in which tier."""

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
    def of(cls, command: Command, tier: str, etc: Path) -> "Job":
        """The job that a command is in a tier; `etc` is what `configuration.assemble` made."""
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
    def room(self) -> str:
        """The directory that has both, and nothing else."""
        return str(Path(self.tree).parent)

    @property
    def kept(self) -> bool:
        """Whether what it does to its tree is to stay."""
        return self.tree in self.writable

    def to_line(self) -> bytes:
        """One line; `from_line` is its inverse."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "Job":
        """The job behind a line of `to_line`."""
        body: dict[str, Any] = json.loads(line)
        body["limits"] = Limits(**body["limits"])
        for name in ("argv", "readable", "writable"):
            body[name] = tuple(body[name])
        return cls(**body)


@dataclass(frozen=True)
class Begun:
    """A command that was begun, as process `child` of ours.

    `places` are descriptors of the tree and the scratch directory as the command sees them; none
    where the sandbox could not be made. `measured` are more directories whose size is looked at.
    `open` is kept open until the end; `name` is by what the tier finds it again.
    """

    child: int
    places: tuple[int, ...] = ()
    measured: tuple[str, ...] = ()
    open: int = -1
    name: str = ""


def _environment(command: Command) -> dict[str, str]:
    return {
        "PATH": ":".join((*map(str, command.path), *SYSTEM_PATH)),
        "HOME": str(command.scratch / "home"),
        "TMPDIR": str(command.scratch / "tmp"),
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        **command.env,
        MARKER: str(command.scratch),
    }


def places(job: Job) -> tuple[int, int]:
    """Descriptors of the tree and the scratch directory on this machine."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    return os.open(job.tree, flags), os.open(job.scratch, flags)


def own(paths: Sequence[str], uid: int) -> None:
    """Give directories with all that is in them to a user, links themselves and not what they name."""
    for path in paths:
        if Path(path).lstat().st_uid == uid:
            continue
        os.chown(path, uid, uid, follow_symlinks=False)
        for folder, names, files in os.walk(path):
            for name in (*names, *files):
                os.chown(os.path.join(folder, name), uid, uid, follow_symlinks=False)  # noqa: PTH118
