"""A wave lands the same changes even if a service is killed (kill -9) in the middle of it."""

import pytest

from tests.support.repositories import git, the_shop
from tests.support.stack import QUICK, Home, Moment, killing

# How many faults are tried depends on how long that takes, and with them who waits for a person.
POLICY = 'unprotected = "allow"'

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
        Moment("resolver", "gs.evt.enhancement.proposed", 7),
        Moment("validator", "gs.evt.enhancement.applied", 5),
    ),
    "what all of them need": (
        Moment("agents", "gs.evt.enhancement.proposed", 4),
        Moment("nats-server", "gs.evt.enhancement.proposed", 5),
        Moment("secantusd-py", "gs.evt.run.finished", 2),
    ),
}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    home = Home(folder / "home")
    return landed(home.json("run", str(the_shop(folder / "shop", policy=POLICY, half=True))))


def landed(report):
    return {(each["component"], each["title"]) for each in report["landed"]}


@pytest.mark.parametrize("moments", ROUNDS.values(), ids=list(ROUNDS))
def test_the_same_changes_land(undisturbed, tmp_path, moments):
    home, shop = (
        Home(tmp_path / "home", QUICK),
        the_shop(tmp_path / "shop", policy=POLICY, half=True),
    )
    with home.up(), killing(home, moments):
        report = home.json("run", str(shop))
    assert report["state"] == "completed"
    assert landed(report) == undisturbed
    assert refused(report) == {("shop.pricing", "ruff:F401")}
    commits = git(shop, "rev-list", "--reverse", "main..groundswell/main").split()
    assert commits == [each["commit"] for each in report["landed"]]
    trailers = git(shop, "log", "--format=%(trailers:key=Enhancement-Id)", "main..groundswell/main")
    ids = trailers.split()[1::2]
    assert len(ids) == len(set(ids)) == len(commits)


def refused(report):
    return {(each["component"], each["rule"]) for each in report["rejected"]}
