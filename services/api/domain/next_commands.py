"""The shell commands a report offers: to inspect, merge or undo what landed."""

import shlex

from shared.contracts.documents.targets import Target
from shared.contracts.documents.waves import Wave
from shared.contracts.report import NextCommands
from shared.kernel.ids import short_id

COMMIT_CHARACTERS = 10


def commands_after(wave: Wave, target: Target, last_landed: str, *, remote: bool) -> NextCommands:
    """Return the commands to offer after a wave; `last_landed` is the id of its last change.

    `remote` says that the target is a url, so that there is no checkout to run git in.
    """
    if remote:
        return _for_remote(wave, target, last_landed)
    if target.direct:
        return _for_direct_landing(wave, target, last_landed)
    return _for_branch(wave, target, last_landed)


def _for_remote(wave: Wave, target: Target, last_landed: str) -> NextCommands:
    """Return the commands for a target that is a URL; they need no checkout of it."""
    url, branch = shlex.quote(target.location), shlex.quote(target.landing_branch)
    start = wave.commit[:COMMIT_CHARACTERS]
    undo_all = f"git push {url} --delete {branch}"
    if wave.landing_commit is not None:
        undo_all = f"git push --force {url} {wave.landing_commit}:refs/heads/{branch}"
    return NextCommands(
        inspect=(f"git fetch {url} {branch} && git log --stat {start}..FETCH_HEAD",),
        merge=(f"git pull {url} {branch}",),
        undo_one=(_roll_back(last_landed),),
        undo_all=(undo_all,),
    )


def _for_direct_landing(wave: Wave, target: Target, last_landed: str) -> NextCommands:
    """Return the commands after landing on the base branch itself, where nothing is to merge."""
    git, branch = _git(target), shlex.quote(target.landing_branch)
    return NextCommands(
        inspect=(f"{git} log --stat {wave.commit[:COMMIT_CHARACTERS]}..{branch}",),
        undo_one=(_roll_back(last_landed),),
        undo_all=(f"groundswell wave rollback {short_id(wave.id)}",),
    )


def _for_branch(wave: Wave, target: Target, last_landed: str) -> NextCommands:
    """Return the commands after landing on a branch of our own."""
    git, branch = _git(target), shlex.quote(target.landing_branch)
    start = wave.commit[:COMMIT_CHARACTERS]
    undo_all = f"{git} branch -D {branch}"
    if wave.landing_commit is not None:
        undo_all = f"{git} branch -f {branch} {wave.landing_commit[:COMMIT_CHARACTERS]}"
    where = "  # on the branch you choose" if target.detached else ""
    return NextCommands(
        inspect=(f"{git} log --stat {start}..{branch}", f"{git} diff {start} {branch}"),
        merge=(f"{git} merge {branch}{where}",),
        undo_one=(_roll_back(last_landed),),
        undo_all=(undo_all,),
    )


def _git(target: Target) -> str:
    """Return the start of a shell command that runs git in the target's repository."""
    return f"git -C {shlex.quote(target.location)}"


def _roll_back(enhancement: str) -> str:
    """Return the shell command that rolls back an enhancement."""
    return f"groundswell enhancement rollback {short_id(enhancement)}"
