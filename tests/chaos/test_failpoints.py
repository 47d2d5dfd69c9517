"""A process killed at each failpoint: the stack recovers, and every invariant holds."""

import pytest

from shared.kernel.failpoints import ENVIRONMENT_VARIABLE, FAILPOINTS
from tests.support.checker import (
    check_at_rest,
    check_branch,
    check_locks,
    check_pull_requests,
    check_state,
    connect,
)
from tests.support.forges import WANTED, a_forge, an_origin
from tests.support.repositories import a_repository, checkout_of
from tests.support.stack import QUICK, Home

FILES = {
    "groundswell.toml": WANTED,
    "one/__init__.py": "",
    "two/__init__.py": "",
    "one/a.py": "import os\nimport sys\n\n\ndef a():\n    x = None\n    return x == None\n",
    "one/b.py": "import os\n\n\ndef b():\n    return 2\n",
    "two/c.py": "import json\n\n\n"
    "def c():\n    if True:\n        return 3\n    else:\n        return 4\n",
    "tests/test_all.py": "from one import a, b\nfrom two import c\n\n\ndef test_all():\n"
    "    assert a.a() and b.b() == 2 and c.c() == 3\n    assert a.sys\n",
}


@pytest.fixture
def target(tmp_path):
    return a_repository(tmp_path / "target", **FILES)


# Several kills in a run, one after the other: a stack that mends itself mends itself again.
GROUPS = [FAILPOINTS[n::2] for n in range(2)]


@pytest.mark.parametrize("points", GROUPS, ids=["-".join(each) for each in GROUPS])
def test_nothing_is_lost_or_doubled(points, target, tmp_path):
    origin = an_origin(tmp_path)
    origin.adopt(target)
    markers = {each: tmp_path / f"killed at {each}" for each in points}
    fault = ",".join(f"{point}:1:{marker}" for point, marker in markers.items())
    before = checkout_of(target)
    with a_forge("github") as (forge, told), _home(tmp_path, origin, told, fault).up() as home:
        stack = home.stack
        report = home.json("run", str(target))
        assert report["landed"], str(report)
        done = home.run("enhancement", "rollback", report["landed"][-1]["id"], "--dependents")
        assert done.returncode == 0, done.stdout + done.stderr
        assert all(each.exists() for each in markers.values()), "it was not killed everywhere"
        database = connect(stack["mongo_url"])
        check_at_rest(stack["nats_url"], database)
        changes = check_state(database)
        check_branch(target, "groundswell/main", changes, database)
        check_locks(home.path, target)
        [pull] = forge.pulls
        check_pull_requests(origin.place, database, {pull["html_url"]})
    assert checkout_of(target) == before


def _home(below, origin, told, fault):
    return Home(
        below / "home", {**origin.environment, **told, **QUICK, ENVIRONMENT_VARIABLE: fault}
    )
