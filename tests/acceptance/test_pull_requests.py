"""Landing as pull requests: a run ends in a branch on the remote that people are to review."""

from dataclasses import replace

import pytest

from tests.support.forges import WANTED, a_forge, an_origin
from tests.support.repositories import a_repository, commit, git

CODE = "import os\nimport sys\n\n\ndef one(x):\n    return x == None\n"
MORE = "import re\n\n\ndef two(x):\n    return x\n"
# The type of what is compared with None is not evident, and no test imports `MORE`.
POLICY = '\n[policy]\nunprotected = "allow"\nallowed_rules = ["E711"]\n'
TESTS = (
    "from package import m\n\n\ndef test_one():\n    assert m.one(None)\n    assert not m.one(0)\n"
)


@pytest.fixture
def origin(tmp_path):
    return an_origin(tmp_path)


@pytest.fixture
def target(tmp_path, origin):
    def made(more=""):
        files = {"package/__init__.py": "", "package/m.py": CODE, "tests/test_m.py": TESTS}
        place = a_repository(tmp_path / "target", groundswell_toml=WANTED + more + POLICY, **files)
        origin.adopt(place)
        return place

    return made


@pytest.fixture
def configured(home, origin):
    return lambda **more: replace(home, more={**origin.environment, **more})


def test_a_wave_becomes_one_pull_request_that_follows_what_becomes_of_it(
    target, configured, origin
):
    place = target()
    with a_forge("github") as (forge, told), configured(**told).up() as up:
        report = up.json("run", str(place))
        assert len(report["landed"]) > 1
        [shown] = report["pull_requests"]
        assert (shown["state"], shown["onto"]) == ("open", "main")
        [pull] = forge.pulls
        assert shown["url"] == pull["html_url"]
        assert shown["url"] in up.run("wave", "show", report["wave"]).stdout
        tip = git(place, "rev-parse", "groundswell/main")
        assert git(origin.place, "rev-parse", shown["branch"]) == tip == report["final_commit"]
        assert git(origin.place, "rev-parse", "main") == git(place, "rev-parse", "main")
        for each in report["landed"]:
            assert each["title"] in pull["body"]
        assert report["landed"][0]["evidence"][0] in pull["body"]

        gone = report["landed"][-1]
        assert up.run("enhancement", "rollback", gone["id"], "--reason", "no").returncode == 0
        tip = git(place, "rev-parse", "groundswell/main")
        assert git(origin.place, "rev-parse", shown["branch"]) == tip
        assert len(forge.pulls) == 1
        assert "Rolled back, by" in pull["body"]

        # They squash it, and go on.
        git(place, "merge", "--quiet", "--squash", "groundswell/main")
        commit(place, {"package/n.py": MORE}, "what Groundswell found, and more")
        git(place, "push", "--quiet", str(origin.place), "main")
        base = git(place, "rev-parse", "main")
        again = up.json("run", str(place))
        assert again["commit"] == base
        assert [each["files"] for each in again["landed"]] == [["package/n.py"]]
        assert git(place, "merge-base", "main", "groundswell/main") == base
        assert git(place, "merge-base", tip, "groundswell/main") == tip
        assert len(forge.pulls) == 2
        assert git(place, "diff", "--name-only", f"main...{'groundswell/main'}") == "package/n.py"
        logs = "".join(each.read_text() for each in (up.path / "logs").iterdir())
        assert "t0ken" not in logs


def test_each_enhancement_becomes_a_merge_request_onto_the_one_it_stands_on(
    target, configured, origin
):
    place = target('per = "enhancement"\n')
    with a_forge("gitlab") as (forge, told):
        report = configured(**told).json("run", str(place))
    assert len(report["pull_requests"]) == len(report["landed"]) == len(forge.pulls) > 1
    onto = "main"
    for change, pull in zip(report["landed"], forge.pulls, strict=True):
        assert pull["target_branch"] == onto
        assert pull["title"] == change["title"]
        assert git(origin.place, "rev-parse", pull["source_branch"]) == change["commit"]
        onto = pull["source_branch"]


def test_without_a_token_the_branch_is_there_and_people_are_told(target, configured, origin):
    report = (home := configured()).json("run", str(place := target()))
    [shown] = report["pull_requests"]
    assert shown["state"] == "pushed"
    assert "GROUNDSWELL_FORGE_TOKEN" in shown["reason"]
    tip = git(place, "rev-parse", "groundswell/main")
    assert git(origin.place, "rev-parse", shown["branch"]) == tip
    with a_forge("github") as (forge, told):
        # The next stack has one, and does what the last one could not.
        with replace(home, more={**home.more, **told}).up() as up:
            report = up.json("run", str(place))
            assert forge.pulls
        assert not report["landed"]


def test_a_target_without_that_remote_is_told_before_anything_is_done(target, configured):
    place = target()
    git(place, "remote", "rename", "origin", "upstream")
    refused = configured().run("run", str(place))
    assert refused.returncode == 2
    assert "has no remote origin" in refused.stderr
    assert "upstream" in refused.stderr
    assert git(place, "branch", "--list", "groundswell/*") == ""
