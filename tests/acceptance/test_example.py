"""What the README promises of the bundled example, through the command line."""

import json

import pytest

from shared.sandbox.choice import TIERS
from tests.support.repositories import checkout_of, git, the_shop
from tests.support.sandboxes import the_best

TYPES = {"code_quality", "performance", "architecture", "security", "workflow"}
TRAILERS = ("Enhancement-Id", "Wave-Id", "Agent", "Validated-By")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return the_shop(tmp_path_factory.mktemp("targets") / "shop")


@pytest.fixture(scope="module")
def before(shop):
    return checkout_of(shop)


@pytest.fixture(scope="module")
def report(up, shop, before):
    done = up.run("run", str(shop), "--size", "large", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_it_lands_changes_in_several_components(report):
    assert report["state"] == "completed"
    assert len(report["landed"]) >= 3
    assert {each["component"] for each in report["landed"]} >= {"shop.catalog", "shop.orders"}
    assert report["health"]["findings_after"] < report["health"]["findings_before"]


def test_a_large_wave_deploys_ten_agents_that_share_no_place_and_each_type_proposes(report):
    agents = report["agents"]
    assert 10 <= len(agents) <= 15
    at_work = [each for each in agents if each["process"]]
    assert len({each["focus"] for each in at_work}) >= 10
    assert {each["type"] for each in at_work if each["proposals"]} == TYPES


def test_every_type_but_security_lands_something_and_that_waits_for_a_person(report):
    prefixes = {
        "workflow": "n8n:",
        "architecture": "imports:",
        "performance": "performance:",
        "code_quality": ("ruff:", "vulture:"),
    }
    rules = [each["rule"] for each in report["landed"]]
    for name, prefix in prefixes.items():
        assert any(each.startswith(prefix) for each in rules), name
    titles = " ".join(each["title"] for each in report["needs_approval"])
    assert "pass values to SQL as parameters" in titles


def test_what_lands_for_its_speed_has_a_measured_gain(report):
    faster = [each for each in report["landed"] if each["rule"].startswith("performance:")]
    assert faster
    for each in faster:
        assert each["gain"]["state"] == "measured"
        assert each["measured"][1] < 1


def test_each_dimension_is_measured_before_and_after(report):
    found = {each["dimension"]: each for each in report["health"]["dimensions"]}
    assert set(found) == {*TYPES, "tests"}
    for each in found.values():
        assert each["source"]
        assert each["sample_before"]
        assert each["sample_after"]
    for name in ("code_quality", "performance", "architecture", "workflow"):
        assert found[name]["score_after"] > found[name]["score_before"], name
    assert found["tests"]["score_after"] == 100


def test_people_see_nodes_of_workflows_and_a_plan_for_what_has_no_patch(report):
    outlines = "".join(each["outline"] for each in report["landed"])
    assert "~ node 'Largest first': parameters.operation removed, type changed" in outlines
    advice = next(each for each in report["advisory"] if "private names" in each["title"])
    assert advice["plan"]
    assert advice["evidence"]
    assert advice["steps"]


def test_it_refuses_the_trap_and_names_the_test_that_caught_it(report):
    trap = next(each for each in report["rejected"] if each["component"] == "shop.pricing")
    assert trap["rule"] == "ruff:F401"
    assert "tests/test_pricing.py::test_clearance_halves_the_price" in trap["tests"]


def test_it_says_which_sandbox_the_tests_ran_in_and_what_that_holds(report):
    tier = TIERS[the_best()]
    assert report["sandbox"] == f"{tier.label}: {tier.isolation}"


def test_the_users_checkout_is_as_it_was(report, shop, before):
    assert checkout_of(shop) == before


def test_every_change_is_one_commit_with_its_trailers(report, shop):
    commits = git(shop, "rev-list", "--reverse", "main..groundswell/main").split()
    assert commits == [each["commit"] for each in report["landed"]]
    for commit, landed in zip(commits, report["landed"], strict=True):
        body = git(shop, "show", "--no-patch", "--format=%(trailers:unfold)", commit)
        trailers = dict(line.split(": ", 1) for line in body.splitlines() if line)
        assert tuple(trailers) == TRAILERS
        assert trailers["Enhancement-Id"] == landed["id"]
        assert trailers["Wave-Id"] == report["wave"]
        changed = git(shop, "diff", "--name-only", f"{commit}^", commit).split()
        assert changed == landed["files"]


def test_no_protected_file_is_changed(report, shop):
    changed = git(shop, "diff", "--name-only", "main", "groundswell/main").split()
    assert changed
    assert all(path.startswith(("shop/", "workflows/")) for path in changed)


def test_a_second_run_lands_nothing_and_says_why(report, up, shop):
    tip = git(shop, "rev-parse", "groundswell/main")
    again = up.json("run", str(shop), "--size", "large")
    assert again["landed"] == []
    assert git(shop, "rev-parse", "groundswell/main") == tip
    assert any("not tried again" in note and "test_" in note for note in again["notes"])


def test_a_rollback_restores_the_file_byte_for_byte(report, up, shop):
    last = report["landed"][-1]
    path = last["files"][0]
    was = git(shop, "rev-parse", f"{last['commit']}^:{path}")
    done = up.run("enhancement", "rollback", last["id"][-8:])
    assert done.returncode == 0, done.stdout + done.stderr
    assert git(shop, "rev-parse", f"groundswell/main:{path}") == was
    shown = up.json("enhancement", "show", last["id"])
    assert shown["state"] == "rolled_back"
    assert shown["rollback"]["commit"] == git(shop, "rev-parse", "groundswell/main")


def test_what_was_rolled_back_is_not_proposed_again(report, up, shop):
    tip = git(shop, "rev-parse", "groundswell/main")
    again = up.json("run", str(shop))
    assert again["landed"] == []
    assert any("it was rolled back" in note for note in again["notes"])
    assert git(shop, "rev-parse", "groundswell/main") == tip


def test_the_text_report_has_what_a_person_needs(report, up, shop):
    text = up.run("wave", "show", report["wave"][-8:]).stdout
    for part in (
        "Landed (one commit each)",
        "caught by tests/test_",
        "Health",
        f"Sandbox {TIERS[the_best()].label}",
        f"git -C {shop} merge groundswell/main",
        "groundswell enhancement rollback",
        "undo all",
    ):
        assert part in text
