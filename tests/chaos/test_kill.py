"""A wave lands the same changes even if a service is killed (kill -9) in the middle of it."""

import pytest

from tests.support.repositories import a_trap, git
from tests.support.stack import QUICK, Home, Moment, killing

# Several in a run, as a stack that mends itself mends itself again.
ROUNDS = {
    "who plans and who proposes": (
        Moment("coordinator", "gs.evt.findings.measured", 1),
        Moment("agents", "gs.evt.task.started", 1),
        Moment("api", "gs.evt.task.assigned", 1),
        Moment("validator", "gs.evt.run.finished", 3),
    ),
    "who clears and who lands": (
        Moment("validator", "gs.evt.environment.built", 1),
        Moment("coordinator", "gs.evt.task.proposed", 2),
        Moment("resolver", "gs.evt.enhancement.proposed", 4),
        Moment("validator", "gs.evt.enhancement.applied", 3),
    ),
    "what all of them need": (
        Moment("agents", "gs.evt.enhancement.proposed", 2),
        Moment("nats-server", "gs.evt.enhancement.proposed", 5),
        Moment("secantusd-py", "gs.evt.run.finished", 2),
    ),
}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    home = Home(folder / "home")
    return landed(home.json("run", str(a_trap(folder / "target"))))


def landed(report):
    return {(each["component"], each["title"]) for each in report["landed"]}


@pytest.mark.parametrize("moments", ROUNDS.values(), ids=list(ROUNDS))
def test_the_same_changes_land(undisturbed, tmp_path, moments):
    home, target = Home(tmp_path / "home", QUICK), a_trap(tmp_path / "target")
    with home.up(), killing(home, moments):
        report = home.json("run", str(target))
    assert report["state"] == "completed"
    assert landed(report) == undisturbed
    assert refused(report) == {("three", "ruff:F401")}, report["rejected"]
    commits = git(target, "rev-list", "--reverse", "main..groundswell/main").split()
    assert commits == [each["commit"] for each in report["landed"]]
    trailers = git(
        target, "log", "--format=%(trailers:key=Enhancement-Id)", "main..groundswell/main"
    )
    ids = trailers.split()[1::2]
    assert len(ids) == len(set(ids)) == len(commits)


def refused(report):
    return {(each["component"], each["rule"]) for each in report["rejected"]}
