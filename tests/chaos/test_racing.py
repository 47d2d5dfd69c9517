"""Three validator processes on one stack: they share the runs, and land every change once."""

import subprocess
import sys
from contextlib import ExitStack, contextmanager

import pytest

from tests.support.checker import check_at_rest, check_branch, check_locks, check_state, connect
from tests.support.repositories import a_trap, checkout_of
from tests.support.stack import QUICK, ROOT, Home, Moment, environment, killing

KILLED = (
    Moment("validator", "gs.evt.run.finished", 2),
    Moment("validator", "gs.evt.enhancement.applied", 3),
)


@contextmanager
def a_validator(home, number, place):
    """One more, beside the stack's own, at home in `place`."""
    told = {
        "GROUNDSWELL_NATS_URL": home.nats_url("validator"),
        "GROUNDSWELL_MONGO_URL": home.stack["mongo_url"],
    }
    log = (home.path / "logs" / f"validator-{number}.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "services.validator"],
        cwd=ROOT,
        env={**environment(place), **told},
        stdout=log,
        stderr=log,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)
        log.close()


@pytest.mark.parametrize("homes", ["one home", "a home each"])
def test_each_change_lands_once_though_two_of_them_are_killed(tmp_path, homes):
    home = Home(tmp_path / "home", QUICK)
    target = a_trap(tmp_path / "target")
    before = checkout_of(target)
    with home.up(), ExitStack() as stack:
        for number in (2, 3):
            place = home.path if homes == "one home" else tmp_path / f"home-{number}"
            stack.enter_context(a_validator(home, number, place))
        with killing(home, KILLED):
            report = home.json("run", str(target))
        assert len(report["landed"]) == 7
        assert [each["rule"] for each in report["rejected"]] == ["ruff:F401"]
        gone = home.run("wave", "rollback", report["wave"])
        assert gone.returncode == 0, gone.stdout + gone.stderr
        database = connect(home.stack["mongo_url"])
        check_at_rest(home.stack["nats_url"], database)
        check_branch(target, "groundswell/main", check_state(database), database)
        check_locks(home.path, target)
    assert checkout_of(target) == before
