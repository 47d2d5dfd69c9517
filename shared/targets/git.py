"""Running git so that neither the machine's nor the target's configuration has an effect."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from shared.kernel.errors import GroundswellError
from shared.targets.owner import Owner

# What git says of the headers of old commits and tags, which many well-known repositories have.
HARMLESS_DEFECTS = (
    *("badDate", "badDateOverflow", "badEmail", "badName", "badTimezone", "badTagName"),
    *("missingEmail", "missingNameBeforeEmail", "missingSpaceBeforeDate"),
    *("missingSpaceBeforeEmail", "missingTaggerEntry", "multipleAuthors", "nulInCommit"),
    *("nullSha1", "zeroPaddedDate", "zeroPaddedFilemode"),
)
FETCH_CHECKS = (
    "fetch.fsckObjects=true",
    *(f"fetch.fsck.{each}=ignore" for each in HARMLESS_DEFECTS),
    "fetch.recurseSubmodules=false",
)
# Repositories of other owners are read, not trusted: no hooks, no monitors, no housekeeping.
SETTINGS = (
    "safe.directory=*",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "receive.autogc=false",
    # A branch that is checked out somewhere is never moved, whatever its configuration allows.
    "receive.denyCurrentBranch=refuse",
    "core.alternateRefsCommand=true",
    "protocol.ext.allow=never",
    *FETCH_CHECKS,
)
# Reading a repository contacts no other one, even if its configuration names a promisor.
NO_TRANSPORT = tuple(
    f"protocol.{name}.allow=never" for name in ("ext", "file", "git", "ssh", "http", "https")
)
TRANSPORT_COMMANDS = {"fetch", "push", "ls-remote"}
# For targets that ask for it: we write the work tree, as git would run its filters to do so.
MOVE_CHECKED_OUT_BRANCH = "receive.denyCurrentBranch=ignore"
MAX_REPORTED_STDERR_CHARACTERS = 1000


def _flags(settings: tuple[str, ...]) -> tuple[str, ...]:
    """Return git's arguments for settings: `-c key=value` each."""
    return tuple(flag for setting in settings for flag in ("-c", setting))


# Becomes another user for good, and then a program: uid, gid, path, and its arguments follow.
# After that, Python's own files may be out of reach: nothing is imported any more.
AS_OWNER = """
import os, pwd, sys
uid, gid = int(sys.argv[1]), int(sys.argv[2])
try:
    user = pwd.getpwuid(uid)
    os.initgroups(user.pw_name, user.pw_gid)
    gid = user.pw_gid
except KeyError:
    os.setgroups([])
os.setgid(gid)
os.setuid(uid)
os.chdir("/")
os.execv(sys.argv[3], sys.argv[4:])
"""


def _other_end(command: str, *settings: str) -> str:
    """Return the shell command for the other end of a local transport.

    It repeats our settings, which git drops before it starts the other end.
    """
    flags = _flags((*SETTINGS, *NO_TRANSPORT, *settings))
    return shlex.join(["git", *flags, command])


UPLOAD_PACK = _other_end("upload-pack")


class GitError(GroundswellError):
    """A git command failed; `stderr` is what it wrote there."""

    code = "git"

    def __init__(self, arguments: tuple[str, ...], stderr: str) -> None:
        reason = stderr.strip()[-MAX_REPORTED_STDERR_CHARACTERS:]
        super().__init__(f"git {arguments[0]} failed: {reason}")
        self.stderr = stderr


def git(
    repository: Path | None,
    *arguments: str,
    stdin: bytes | None = None,
    with_users_config: bool = False,
    checked: bool = True,
) -> bytes:
    """Run a git command and return its standard output. Raises `GitError`.

    `with_users_config` keeps the user's own configuration, whose credentials a remote url needs.
    Without `checked`, a fetch takes unsafe objects: only to name them. Without a repository, git
    runs where no configuration of another repository applies, so paths have to be absolute.
    """
    directory = ["-C", str(repository)] if repository else []
    settings = SETTINGS if arguments[0] in TRANSPORT_COMMANDS else (*SETTINGS, *NO_TRANSPORT)
    if not checked:
        settings = (*settings, "fetch.fsckObjects=false")
    completed = subprocess.run(
        ["git", *_flags(settings), *directory, *arguments],
        input=b"" if stdin is None else stdin,
        capture_output=True,
        check=False,
        cwd=None if repository else "/",
        env=_environment(with_users_config=with_users_config),
    )
    if completed.returncode != 0:
        raise GitError(arguments, completed.stderr.decode(errors="replace"))
    return completed.stdout


def receive_pack(*settings: str, owner: Owner | None = None) -> str:
    """Return the command that receives a push on this machine, with these settings beside ours.

    With `owner`, it runs as that user, so that whatever it writes belongs to that user.
    """
    command = _other_end("receive-pack", *settings)
    if owner is None:
        return command
    program = shutil.which("git") or "/usr/bin/git"
    who = (str(owner.uid), str(owner.gid))
    become = (sys.executable, "-I", "-S", "-c", AS_OWNER, *who, program)
    return f"{shlex.join(become)} {command}"


def git_text(repository: Path | None, *arguments: str) -> str:
    """Run a git command and return its standard output as stripped text. Raises `GitError`."""
    return git(repository, *arguments).decode(errors="surrogateescape").strip()


def list_remote(
    url: str, *patterns: str, symbolic: bool = False, with_users_config: bool = True
) -> str:
    """Return the references of a repository, one a line, as git lists them. Raises `GitError`.

    With `patterns`, only those with such names; with `symbolic`, also the branch that HEAD names.
    A name that is not UTF-8 has replacement characters.
    """
    options = ("--symref",) if symbolic else ()
    command = ("ls-remote", *options, "--", url, *patterns)
    return git(None, *command, with_users_config=with_users_config).decode(errors="replace")


def _environment(*, with_users_config: bool) -> dict[str, str]:
    """Return variables with which git takes no locks to read, asks nothing and writes English."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    kept |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
    kept["LC_ALL"] = "C"
    if not with_users_config:
        kept |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    return kept
