"""What two runs must have in common to be the same run."""

from services.validator.prepared import PreparedHead, prepare_candidate
from services.validator.runs.domain.requests import RunRequest
from services.validator.runs.usecases.request import run_key
from shared.environments.ports import Environment
from tests.support.landing import a_yard
from tests.support.memory import a_store
from tests.support.profiles import a_profile
from tests.support.validator_deps import a_validator

FILES = {"m.py": "x = 1\n", "tests/test_m.py": "def test_m(): pass\n"}


def places(tmp_path, path, before, after):
    """The head, and the next one, which changed one file."""
    yard = a_yard(tmp_path, **FILES)
    environment = Environment(key="e", bin=tmp_path, readable=(), seconds=0, cached=True)

    def at(head):
        return PreparedHead(yard.target, yard.mirror, head, a_profile(), environment)

    first = at(yard.head())
    return first, at(yard.land(path, before, after))


def key(place, tree, tests=(), repetition=0, approved=()):
    order = RunRequest(tree, "full run", (), tests, repetition, approved=approved)
    return run_key(place, order)


def test_a_tree_that_passed_and_landed_needs_no_run_as_the_new_head(tmp_path):
    head, landed = places(tmp_path, "m.py", "x = 1\n", "x = 2\n")
    assert key(head, landed.tree) == key(landed, landed.tree)
    assert key(head, head.tree) != key(landed, landed.tree)


def test_what_was_judged_by_other_tests_is_another_run(tmp_path):
    """A person let a change of a test through: it passed under the tests of before."""
    before = FILES["tests/test_m.py"]
    head, landed = places(tmp_path, "tests/test_m.py", before, "def test_m(): assert 0\n")
    assert key(head, landed.tree) != key(landed, landed.tree)


def test_a_run_in_which_approved_edits_take_effect_is_another_run(tmp_path):
    before = FILES["tests/test_m.py"]
    head, landed = places(tmp_path, "tests/test_m.py", before, "def test_m(): assert 0\n")
    assert head.changed_protected_files(landed.tree) == ("tests/test_m.py",)
    assert key(head, landed.tree, approved=["tests/test_m.py"]) != key(head, landed.tree)


async def test_a_run_with_approved_edits_has_the_environment_that_they_ask_for(tmp_path):
    head, landed = places(tmp_path, "requirements.txt", None, "attrs\n")
    asked = []

    class Environments:
        async def prepare(self, target_id, profile, tree):
            asked.append((profile.environment.requirement_files, tree))
            return head.environment

    deps = a_validator(a_store(), tmp_path, environments=Environments())
    found = await prepare_candidate(deps, head, landed.tree)
    assert asked == [(("requirements.txt",), landed.tree)]
    assert (found.head, found.tree) == (head.head, head.tree)


def test_a_run_of_a_part_and_one_more_time_are_runs_of_their_own(tmp_path):
    head, _ = places(tmp_path, "m.py", "x = 1\n", "x = 2\n")
    keys = {
        key(head, "t"),
        key(head, "t", ["a"]),
        key(head, "t", ["a", "b"]),
        key(head, "t", [], 1),
    }
    assert len(keys) == 4
    assert key(head, "t", ["b", "a"]) == key(head, "t", ["a", "b"])
