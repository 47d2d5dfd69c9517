"""The git binary, run so that nothing of the machine's or the target's configuration takes part."""

import os
import subprocess
from pathlib import Path

from shared.kernel.errors import GroundswellError

# A repository of another owner is read, not trusted: no hooks, no monitors, no housekeeping.
SETTINGS = (
    "safe.directory=*",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "receive.autogc=false",
    # A branch that somebody looks at is never moved below their feet, whatever their configuration says.
    "receive.denyCurrentBranch=refuse",
    "core.alternateRefsCommand=true",
    "protocol.ext.allow=never",
)
# Looking at a repository asks no other one, whatever its configuration says about promisors.
ALONE = tuple(
    f"protocol.{name}.allow=never" for name in ("ext", "file", "git", "ssh", "http", "https")
)
TRANSPORTS = {"fetch", "push", "ls-remote"}


def _flags(settings: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(flag for setting in settings for flag in ("-c", setting))


def _other_end(command: str, *settings: str) -> str:
    """Return the command that the other end of a local transport runs.

    It repeats our settings, because git drops command-line settings before it starts that process.
    """
    return " ".join(["git", *(f"-c '{each}'" for each in (*SETTINGS, *ALONE, *settings)), command])


UPLOAD_PACK = _other_end("upload-pack")
# Direct landing: a checked-out branch moves together with its work tree, unless that has changes.
UPDATE_WORK_TREE = "receive.denyCurrentBranch=updateInstead"


class GitError(GroundswellError):
    """git said no; `stderr` is what it said."""

    code = "git"

    def __init__(self, arguments: tuple[str, ...], stderr: str) -> None:
        super().__init__(f"git {arguments[0]} failed: {stderr.strip()[-1000:]}")
        self.stderr = stderr


def git(
    repository: Path | None,
    *arguments: str,
    stdin: bytes | None = None,
    with_users_config: bool = False,
) -> bytes:
    """Run git in `repository`; its standard output. Raises `GitError`.

    `with_users_config` keeps the user's own configuration, whose credentials a remote url needs.
    """
    place = ["-C", str(repository)] if repository else []
    settings = SETTINGS if arguments[0] in TRANSPORTS else (*SETTINGS, *ALONE)
    done = subprocess.run(
        ["git", *_flags(settings), *place, *arguments],
        input=b"" if stdin is None else stdin,
        capture_output=True,
        check=False,
        env=_environment(with_users_config=with_users_config),
    )
    if done.returncode != 0:
        raise GitError(arguments, done.stderr.decode(errors="replace"))
    return done.stdout


def receive_pack(*settings: str) -> str:
    """Return the command that receives a push on this machine, with these settings beside ours."""
    return _other_end("receive-pack", *settings)


def git_text(repository: Path | None, *arguments: str) -> str:
    """`git`, its output as one stripped text."""
    return git(repository, *arguments).decode(errors="surrogateescape").strip()


def _environment(*, with_users_config: bool) -> dict[str, str]:
    """No locks are taken for reading, no questions asked, no language but C."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    kept |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
    kept["LC_ALL"] = "C"
    if not with_users_config:
        kept |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    return kept
