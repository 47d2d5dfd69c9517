"""A wave lands the same changes even if a service is killed (kill -9) in the middle of it."""

import threading

import pytest

from tests.support.repositories import git, the_shop
from tests.support.stack import QUICK, Home, kill_after

# How many faults are tried depends on how long that takes, and with them who waits for a person.
POLICY = 'unprotected = "allow"'

# The service, and the event after whose n-th occurrence it is killed.
MOMENTS = [
    ("coordinator", "gs.evt.findings.measured", 1),
    ("coordinator", "gs.evt.task.proposed", 2),
    ("agents", "gs.evt.task.started", 1),
    ("agents", "gs.evt.enhancement.proposed", 4),
    ("resolver", "gs.evt.enhancement.proposed", 7),
    ("validator", "gs.evt.environment.built", 1),
    ("validator", "gs.evt.run.finished", 3),
    ("validator", "gs.evt.enhancement.applied", 5),
    ("api", "gs.evt.task.assigned", 1),
    ("nats-server", "gs.evt.enhancement.proposed", 5),
    ("secantusd-py", "gs.evt.run.finished", 2),
]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    home = Home(folder / "home")
    return landed(home.json("run", str(the_shop(folder / "shop", policy=POLICY))))


def landed(report):
    return {(each["component"], each["title"]) for each in report["landed"]}


@pytest.mark.parametrize(("service", "event", "time"), MOMENTS)
def test_the_same_changes_land(undisturbed, tmp_path, service, event, time):
    home, shop = Home(tmp_path / "home", QUICK), the_shop(tmp_path / "shop", policy=POLICY)
    with home.up():
        killer = threading.Thread(target=kill_after, args=(home, service, event, time))
        killer.start()
        report = home.json("run", str(shop))
        killer.join(30)
        assert not killer.is_alive(), "it was never killed"
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
