"""The shell commands a report offers: to inspect, merge or undo what landed."""

import shlex

from shared.contracts.documents.targets import Target
from shared.contracts.documents.waves import Wave
from shared.contracts.report import NextCommands
from shared.kernel.ids import short_id

COMMIT_CHARACTERS = 10


def commands_after(wave: Wave, target: Target, last_landed: str, *, remote: bool) -> NextCommands:
    """Return the commands to offer after a wave; `last_landed` is the id of its last change.

    `remote` says that the target is a url, so that there is no checkout to run git in. What undoes
    is our own command: moving or deleting the branch would also take what others put on it.
    """
    return NextCommands(
        inspect=_inspect(wave, target, remote=remote),
        merge=_merge(target, remote=remote),
        undo_one=(f"groundswell enhancement rollback {short_id(last_landed)}",),
        undo_all=(f"groundswell wave rollback {short_id(wave.id)}",),
    )


def _inspect(wave: Wave, target: Target, *, remote: bool) -> tuple[str, ...]:
    """Return the commands that show what landed since the commit that the wave began on."""
    branch, start = shlex.quote(target.landing_branch), wave.commit[:COMMIT_CHARACTERS]
    if remote:
        url = shlex.quote(target.location)
        return (f"git fetch {url} {branch} && git log --stat {start}..FETCH_HEAD",)
    log = f"{_git(target)} log --stat {start}..{branch}"
    return (log,) if target.direct else (log, f"{_git(target)} diff {start} {branch}")


def _merge(target: Target, *, remote: bool) -> tuple[str, ...]:
    """Return the command that brings what landed to the base branch; none if it is there already.

    A bare repository has no work tree to merge in: its base branch is moved forward, which git
    refuses where that has other commits. Where HEAD was detached, a person chooses the branch.
    """
    branch = shlex.quote(target.landing_branch)
    if target.direct:
        return ()
    if remote:
        return (f"git pull {shlex.quote(target.location)} {branch}",)
    if not target.bare:
        where = "  # on the branch you choose" if target.detached else ""
        return (f"{_git(target)} merge {branch}{where}",)
    if target.detached:
        where = "  # in a clone, on the branch you choose"
        return (f"git pull {shlex.quote(target.location)} {branch}{where}",)
    refspec = shlex.quote(f"{target.landing_branch}:{target.base_branch}")
    return (f"{_git(target)} fetch . {refspec}",)


def _git(target: Target) -> str:
    """Return the start of a shell command that runs git in the target's repository."""
    return f"git -C {shlex.quote(target.location)}"
