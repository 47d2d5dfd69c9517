"""Invariants that hold once nothing moves, read from MongoDB, the streams and git alone."""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import nats
import pymongo

from shared.contracts.states import ENHANCEMENT, TASK, WAVE, EnhancementState
from tests.support.repositories import git

Record = Mapping[str, Any]
LANDED = {EnhancementState.APPLIED, EnhancementState.ROLLED_BACK}
RUN = re.compile(r"\(run\s+([0-9a-f-]+)")
EVENTS_AT_THE_END = {
    "gs.evt.enhancement.applied": {"applied", "rolled_back"},
    "gs.evt.enhancement.rejected": {"rejected"},
    "gs.evt.enhancement.rolled_back": {"rolled_back"},
}


def check_state(database: Any) -> list[Record]:
    """Check that all accepted work is in a terminal state; return the enhancements."""
    for name, machine in (("waves", WAVE), ("tasks", TASK)):
        open_ = [each for each in database[name].find() if not machine.terminal(each["state"])]
        assert not open_, f"{name} are left open: {open_}"
    changes = list(database["enhancements"].find())
    at_rest = {"applied", "needs_approval"}
    moving = [
        each
        for each in changes
        if not ENHANCEMENT.terminal(each["state"]) and each["state"] not in at_rest
    ]
    assert not moving, f"enhancements are left where they are: {moving}"
    return changes


def check_branch(place: Path, branch: str, changes: Iterable[Record], database: Any) -> None:
    """Check that each landed change has exactly one commit, and every other change none.

    Every tree that landed must have been tested.
    """
    by_id = {each["_id"]: each for each in changes}
    commits = _commits(place, branch)
    landed = Counter(each["enhancement"] for each in commits if each["enhancement"])
    reverted = Counter(each["reverts"] for each in commits if each["reverts"])
    for identity, change in by_id.items():
        state = EnhancementState(change["state"])
        assert landed[identity] == (state in LANDED), (
            f"{identity} is {state}: {landed[identity]} commits"
        )
        assert reverted[identity] == (state is EnhancementState.ROLLED_BACK), identity
        if state in LANDED:
            assert change["landing"]["commit"] in {each["commit"] for each in commits}
    assert set(landed) <= set(by_id), "a commit has a trailer that nobody knows"
    assert all(len(each["parents"]) <= 1 for each in commits), "the branch is not linear"
    _check_tested(commits, database)
    _check_forward(place, branch)


def _check_tested(commits: list[Record], database: Any) -> None:
    """Check that the whole suite ran on each batch's last tree, against the head below it."""
    runs = {each["_id"]: each for each in database["runs"].find()}
    requests = [each["request"] for each in runs.values()]
    trees = {each["tree"] for each in requests if not each["tests"]}
    for position, each in enumerate(commits):
        run = each["run"]
        above = commits[position + 1]["run"] if position + 1 < len(commits) else None
        if run is not None and run != above:
            tested = runs[run]
            assert tested["request"]["tree"] == each["tree"], f"{each['commit']} was not tested"
            assert tested["result"]["outcome"] == "reported"
    if commits:
        assert commits[-1]["tree"] in trees, "nothing ran on the tree that the branch ends with"


def _check_forward(place: Path, branch: str) -> None:
    """By the branch's own log: each value contains the one before."""
    log = place / ".git" / "logs" / "refs" / "heads" / branch
    for line in log.read_text().splitlines() if log.exists() else ():
        old, new = line.split()[:2]
        if set(old) != {"0"}:
            git(place, "merge-base", "--is-ancestor", old, new)


def _commits(place: Path, branch: str) -> list[Record]:
    """The branch above its base, oldest first."""
    if not git(place, "branch", "--list", branch):
        return []
    lines = git(place, "log", "--reverse", "--format=%H%x00%T%x00%P%x00%B%x01", f"main..{branch}")
    found = []
    for entry in filter(None, (each.strip("\n") for each in lines.split("\x01"))):
        commit, tree, parents, body = entry.split("\x00")
        trailers = dict(re.findall(r"^([A-Z][A-Za-z-]+): (.+)$", body, re.MULTILINE))
        run = RUN.search(body)
        found.append(
            {
                "commit": commit,
                "tree": tree,
                "parents": parents.split(),
                "enhancement": trailers.get("Enhancement-Id"),
                "reverts": trailers.get("Reverts-Enhancement-Id"),
                "run": run[1] if run else None,
            }
        )
    return found


def check_locks(home: Path, place: Path) -> None:
    """Check that no lock of a dead process blocks git."""
    stale = [*(place / ".git").rglob("*.lock"), *(home / "targets").glob("*/repo.git/**/*.lock")]
    assert not [each for each in stale if "refs" in each.parts], stale


def check_pull_requests(remote: Path, database: Any, urls: set[str]) -> None:
    """Check that each landed change is in exactly one pull request, whose branch is pushed."""
    requests = list(database["pull_requests"].find())
    assert {each["url"] for each in requests} == urls
    for each in requests:
        assert each["state"] == "open", each
        assert git(remote, "rev-parse", each["branch"]) == each["commit"]
    shown = [change for each in requests for change in each["enhancements"]]
    landed = [each["_id"] for each in database["enhancements"].find({"state": {"$in": [*LANDED]}})]
    assert sorted(shown) == sorted(landed)


async def check_streams(url: str, changes: Iterable[Record]) -> None:
    """Check that every outcome was published once, no work is left, and no letter is dead."""
    client = await nats.connect(url)
    try:
        jetstream = client.jetstream()
        for name in ("GS_TASKS", "GS_PROPOSALS", "GS_RUNS", "GS_COMMANDS", "GS_DLQ"):
            state = (await jetstream.stream_info(name)).state
            assert state.messages == 0, f"{name} still has {state.messages} messages"
        published = await _published(jetstream)
    finally:
        await client.close()
    for change in changes:
        for subject, states in EVENTS_AT_THE_END.items():
            wanted = change["state"] in states
            assert published[subject, change["_id"]] == wanted, (
                subject,
                change["_id"],
                change["state"],
            )


def check_at_rest(url: str, database: Any, *, patience: float = 60) -> None:
    """Check state and streams once nothing moves any more, for at most `patience` seconds.

    After a kill, messages that were not acknowledged are delivered again first.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            asyncio.run(check_streams(url, check_state(database)))
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


async def _published(jetstream: Any) -> Counter[tuple[str, str]]:
    info = (await jetstream.stream_info("GS_EVENTS")).state
    found: Counter[tuple[str, str]] = Counter()
    for sequence in range(info.first_seq, info.last_seq + 1):
        message = await jetstream.get_msg("GS_EVENTS", sequence)
        body = json.loads(message.data or b"{}")
        if "enhancement_id" in body:
            found[message.subject, body["enhancement_id"]] += 1
    return found


def connect(url: str, name: str = "groundswell") -> Any:
    """A database of the stack, by a driver that is not ours."""
    return pymongo.MongoClient(url)[name]
