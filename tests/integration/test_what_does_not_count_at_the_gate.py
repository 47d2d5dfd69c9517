"""What lets no change in: dead mutants, a lucky order of the tests, metadata of its own."""

from collections.abc import Iterator

import pytest

from shared.contracts.states import EnhancementState
from tests.support.gates import CONFIG, Gate, gates
from tests.support.repositories import git
from tests.support.till import FILES

LIMITS = """SEEN = []


def is_large(price):
    SEEN.append(price)
    return price > 2


def has_large(prices):
    return any([is_large(each) for each in prices])
"""
OF_LIMITS = """import pytest

from till import limits


@pytest.mark.parametrize(("prices", "has_one"), [([1, 3], True), ([1, 2], False), ([], False)])
def test_large_prices_are_found(prices, has_one):
    assert limits.has_large(prices) is has_one
"""
RATES = """LOADED = {}


def load():
    LOADED["eur"] = 1


def rate(code):
    return {"eur": 1}[code]
"""
OF_RATES = """from till import rates


def test_rates_are_loaded():
    rates.load()
    assert rates.LOADED


def test_a_rate_is_found():
    assert rates.rate("eur") == 1
"""
VERSION = 'VERSION = "1"\n'
SETUP = "import till\nfrom setuptools import setup\n\nsetup(name='till', version=till.VERSION)\n"
FILES_HERE = {
    **FILES,
    "till/limits.py": LIMITS,
    "tests/test_limits.py": OF_LIMITS,
    "till/rates.py": RATES,
    "tests/test_rates.py": OF_RATES,
}


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    yield from gates(files=FILES_HERE)


@pytest.fixture
def asking() -> Iterator[Gate]:
    files = {**FILES, "setup.py": SETUP, "till/__init__.py": VERSION}
    yield from gates(files=files, protected="ask")


@pytest.fixture
def allowing() -> Iterator[Gate]:
    config = CONFIG.replace("[watch]", 'allowed_rules = ["C419"]\n\n[watch]')
    yield from gates(config, files=FILES_HERE)


def test_neither_green_tests_nor_dead_mutants_show_that_a_rule_keeps_behaviour(gate, allowing):
    """`is_large` has an effect, of which `any` over a generator leaves out a part.

    No test of the target tells: where the policy allows the rule by name, the same change lands.
    """
    lazy = LIMITS.replace(
        "[is_large(each) for each in prices]", "is_large(each) for each in prices"
    )
    [change] = gate.judge_all([{"till/limits.py": lazy}], rule="ruff:C419")
    assert change.state is EnhancementState.NEEDS_APPROVAL, change.decision
    assert change.decision.approval_reason.startswith(
        "its fix may change behaviour: how many of the elements are computed, and how far their "
        "source is drawn: till/limits.py:10: "
    )
    assert not gate.branch()
    [landed] = allowing.judge_all([{"till/limits.py": lazy}], rule="ruff:C419")
    assert landed.state is EnhancementState.APPLIED, landed.decision
    known = landed.decision.protection
    assert known.state == "protected", known
    assert known.killed == known.mutants > 0


def test_a_pair_of_tests_that_only_passes_in_the_old_order_refuses_the_change(gate):
    """All tests pass together with it, as the first one loads what the second one needs now."""
    change = gate.judge({"till/rates.py": RATES.replace('{"eur": 1}[code]', "LOADED[code]")})
    assert change.state is EnhancementState.REJECTED, change.decision
    [test] = change.decision.tests
    assert test.startswith("tests/test_rates.py::test_a_rate_is_found in a run of only 1 test (")
    assert not gate.branch()


@pytest.mark.parametrize("path", ["setup.py", "till/__init__.py"])
def test_a_change_of_metadata_is_tried_in_the_environment_of_the_head(asking, path):
    """Its own is only built once a person has approved it: building it runs the code of both."""
    head = git(asking.yard.place, "rev-parse", "HEAD^{tree}")
    waiting = asking.judge({path: asking.files[path].replace("1", "2") + "FORGED = 1\n"})
    assert waiting.state is EnhancementState.NEEDS_APPROVAL, waiting.decision
    assert ("mutation" in asking.runs()) is (path != "setup.py")
    assert asking.environments == {head}


def test_approved_metadata_are_tried_in_their_own_environment(asking):
    waiting = asking.judge({"setup.py": f"{SETUP}FORGED = 1\n"})
    head = set(asking.environments)
    [landed] = asking.approve(waiting)
    assert landed.state is EnhancementState.APPLIED, landed.decision
    assert asking.environments > head
