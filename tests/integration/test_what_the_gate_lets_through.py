"""Changes that would weaken the tests or make them lie are rejected or need approval; none lands.

A small real package with its own suite goes through the gate's own use case, in the real sandbox
and over a real repository. All changes tried under one policy are put before one gate, whose head
stays as it is as long as nothing lands.
"""

from collections.abc import Iterator

import pytest

from shared.contracts.events import GateDecided
from shared.contracts.states import EnhancementState
from tests.support.gates import CONFIG, Gate, gates
from tests.support.till import (
    ADDED,
    DECEPTIONS,
    FILES,
    MONEY,
    MONEY_FILE,
    PYPROJECT,
    TEST_FILE,
    TESTS,
    atop,
    judges,
    money,
)


@pytest.fixture(scope="module")
def refusing() -> Iterator[Gate]:
    yield from gates()


@pytest.fixture(scope="module")
def asking() -> Iterator[Gate]:
    yield from gates(protected="ask")


@pytest.fixture(scope="module")
def careless() -> Iterator[Gate]:
    yield from gates(unprotected="allow")


@pytest.fixture
def own() -> Iterator[Gate]:
    """For what lands."""
    yield from gates()


ADDING = "\n\ndef test_prices_are_added():\n    assert money.total([1, 2, 3]) == 6\n"
CONFTEST = """def pytest_collection_modifyitems(items):
    items[:] = [each for each in items if "added" not in each.name]
"""
OF_TESTS = {
    "a test is deleted": judges(ADDING, ""),
    "all of them are": {TEST_FILE: None},
    "a test is skipped": judges(ADDING, ADDING.replace("def", "@pytest.mark.skip\ndef")),
    "one skips itself": judges(
        ADDING, ADDING.replace("    assert", "    pytest.skip()\n    assert")
    ),
    "a test is expected to fail": judges(ADDING, ADDING.replace("def", "@pytest.mark.xfail\ndef")),
    "an assertion is weakened": judges(ADDING, ADDING.replace("== 6", "> 0")),
    "a test is renamed": judges("def test_prices_are_added", "def test_all_are_added"),
    "a test is made flaky": judges(
        ADDING,
        ADDING.replace(
            "    assert", "    import random\n    assert random.random() < 0.7\n    assert"
        ),
    ),
    "a conftest deselects": {"conftest.py": CONFTEST},
    "pytest.ini selects": {"pytest.ini": "[pytest]\naddopts = -k read\n"},
    "pyproject.toml does": {"pyproject.toml": PYPROJECT + 'addopts = "-k read"\n'},
    "warnings are no errors any more": {"pyproject.toml": PYPROJECT.replace("error", "ignore")},
    ".pytest.ini goes before it": {".pytest.ini": "[pytest]\nfilterwarnings = ignore\n"},
    "pytest.toml goes before it": {"pytest.toml": '[pytest]\nfilterwarnings = ["ignore"]\n'},
    "Python itself is told something": {"sitecustomize.py": "import os\n"},
    ".pytest.toml goes before it": {".pytest.toml": '[pytest]\nfilterwarnings = ["ignore"]\n'},
}


@pytest.mark.parametrize("what", OF_TESTS)
def test_what_judges_is_not_changed(refusing, what):
    change = refusing.judge(OF_TESTS[what])
    assert change.state is EnhancementState.REJECTED, change.decision.approval_reason
    assert change.decision.reason.startswith("protected-path:"), change.decision.reason
    assert not refusing.branch()


@pytest.mark.parametrize("what", OF_TESTS)
def test_where_a_person_may_let_it_through_it_does_not_pass_without_one(asking, what):
    change = asking.judge(OF_TESTS[what])
    assert change.state in {EnhancementState.NEEDS_APPROVAL, EnhancementState.REJECTED}
    assert (
        change.decision.tests or "it touches what judges it" in change.decision.approval_reason
    ), change
    assert not asking.branch()


REJECTED, WAITS, EXPIRED = (
    EnhancementState.REJECTED,
    EnhancementState.NEEDS_APPROVAL,
    EnhancementState.EXPIRED,
)
OF_THE_PRODUCT = {
    "the exception that a test waits for is ignored": (
        money(
            "    if not text.isdigit():\n        raise NotMoney(text)\n    return int(text)\n",
            "    try:\n        if not text.isdigit():\n            raise NotMoney(text)\n"
            "        return int(text)\n    except NotMoney:\n        return 0\n",
        ),
        REJECTED,
        "test_what_is_no_sum_is_refused",
    ),
    "one that no test waits for is": (
        money('        raise NotMoney("no till")\n', "        return 0\n"),
        WAITS,
        "unprotected",
    ),
    **{what: (files, WAITS, why) for what, (files, why) in DECEPTIONS.items()},
    "the interpreter is left": (atop("sys.exit(0)"), EXPIRED, ""),
    "and left at once": (atop("os._exit(0)"), EXPIRED, ""),
}


@pytest.mark.parametrize("what", OF_THE_PRODUCT)
def test_what_fools_the_tests_does_not_land(refusing, what):
    files, state, why = OF_THE_PRODUCT[what]
    change = refusing.judge(files)
    assert change.state is state, change
    assert (
        why in f"{change.decision.reason} {change.decision.approval_reason} {change.decision.tests}"
    )
    assert not refusing.branch()


LEFT_TO_CHANCE = """    CALLS.append(1)
    with open(os.sep + "{at}") as told:
        turn = int(told.read())
        if turn < 0 or (turn and len(CALLS) % 3 == turn % 3):
            raise RuntimeError("now and then")
    result = 0
"""


def chancy(gate: Gate) -> dict[str, str | None]:
    """Fails in every call, in every third one, or in none, as it is told."""
    code = LEFT_TO_CHANCE.format(at=str(gate.chance.at)[1:])
    text = MONEY.replace("    result = 0\n", code)
    return {MONEY_FILE: text.replace("class NotMoney", "CALLS = []\n\n\nclass NotMoney")}


@pytest.mark.parametrize("calls", [(1, 0, *(1,) * 5), (-1,) * 6], ids=["now and then", "always"])
def test_what_fails_now_and_then_is_refused_once_it_was_seen_to(careless, calls):
    """A test that fails first and then passes is repeated within a run, and on the head as well."""
    change = careless.judge(chancy(careless), calls=calls)
    assert change.state is REJECTED, change
    assert change.decision.tests == (ADDED,)
    assert not careless.branch()


def test_where_it_was_not_seen_to_what_makes_it_fail_is_unprotected(refusing):
    change = refusing.judge(chancy(refusing))
    assert change.state is WAITS
    assert "unprotected" in change.decision.approval_reason
    assert not refusing.branch()


UNTESTED = money('        raise NotMoney("no till")\n', "        return 0\n")
KEPT = money("return int(text)", "found = int(text)\n    return found")


def test_an_approved_change_lands_without_its_mutants_being_tried_again(own):
    waiting = own.judge(UNTESTED)
    assert waiting.state is WAITS
    before = own.runs()
    assert "mutation" in before
    [approved] = own.approve(waiting)
    assert approved.state is EnhancementState.APPLIED
    assert "mutation" not in own.runs()[len(before) :]


def test_who_needs_a_person_leaves_before_the_full_run_that_the_others_land_by(own):
    """Also where together with a bad one they were not likely to pass: it has left by then."""
    bad = money("result += each", "result -= each")
    kept, untested, refused = own.judge_all([KEPT, UNTESTED, bad], prior=0.3)
    states = (kept.state, untested.state, refused.state)
    assert states == (EnhancementState.APPLIED, WAITS, REJECTED)
    runs = own.runner.run(own.deps.store.runs.find())
    full = [each.request.changes for each in runs if each.request.purpose == "full run"]
    assert full[0] == (kept.id, untested.id, refused.id)
    assert full[-1] == (kept.id,), "what landed"


def test_a_change_that_keeps_what_is_tested_lands(own):
    change = own.judge(money("result += each", "result = each + result"))
    assert change.state is EnhancementState.APPLIED, change
    assert own.branch()
    known, [kept] = change.decision.protection, own.health()
    assert (kept.commit, kept.dimension, kept.score) == (change.landing.commit, "protection", 100)
    assert kept.metrics["lines"] == kept.metrics["protected_lines"] == known.lines > 0


RATES = '''"""Rates of exchange."""


def rate(code):
    """What one of them is worth."""
    if code is None:
        raise ValueError("which")
    return _looked_up(code)


def _looked_up(code):
    return {"eur": 1, "usd": 2}[code]
'''
OF_RATES = """import pytest

from till.rates import rate


@pytest.mark.parametrize(("code", "worth"), [("eur", 1), ("usd", 2)])
def test_a_rate_is_found(code, worth):
    assert rate(code) == worth
"""
ASIDE = RATES.replace(
    "    return _looked_up(code)\n",
    "    try:\n        return _quickly(code)\n"
    "    except KeyError:\n        return _looked_up(code)\n",
).replace("[code]", "[code.upper()]")
ASIDE += '\n\ndef _quickly(code):\n    return {"eur": 1, "usd": 2}[code]\n'


@pytest.fixture
def trading() -> Iterator[Gate]:
    files = {"till/rates.py": RATES, "tests/test_rates.py": OF_RATES}
    yield from gates(files=FILES | files, unprotected="allow")


def test_what_the_tests_are_led_past_needs_a_person_whatever_the_policy(trading):
    """Every test passes, but a function is not reached any more: the change needs approval.

    In a branch that no test ever took, the policy alone decides.
    """
    change = trading.judge({"till/rates.py": ASIDE})
    assert change.state is WAITS, change
    assert (
        "no test reaches `_looked_up` any more, and 2 did before" in change.decision.approval_reason
    )
    assert not trading.branch()
    never = trading.judge({"till/rates.py": RATES.replace("ValueError", "TypeError")})
    assert never.decision.protection.state == "unprotected"
    assert never.state is EnhancementState.APPLIED


EXAMPLE = '"""All of them.\n\n    >>> total([1])\n    1\n    """'
BESIDE = "\n\ndef test_nothing_is_nothing():\n    assert total([]) == 0\n"


@pytest.fixture(scope="module")
def lonely() -> Iterator[Gate]:
    """A target where an example in a docstring is the only test of `total`.

    Another test is in a file of the product itself.
    """
    example = MONEY.replace('"""All of them."""', EXAMPLE)
    files = {
        MONEY_FILE: example,
        TEST_FILE: TESTS.replace(ADDING, ""),
        "till/side.py": f"{MONEY}{BESIDE}",
    }
    command = "-m pytest -o python_files='test_*.py side.py' --doctest-modules"
    config = CONFIG.replace("-m pytest", command).replace('command = "', "command = '''", 1)
    yield from gates(config.replace('-p no:xdist"', "-p no:xdist'''"), files=FILES | files)


def test_an_example_that_is_a_test_is_not_changed_together_with_what_it_says(lonely):
    before = lonely.files[MONEY_FILE]
    both = before.replace("    1\n", "    2\n").replace("result = 0", "result = 1")
    change = lonely.judge({MONEY_FILE: both})
    assert change.state is WAITS
    assert (
        "it changes an example that is a test, in till/money.py: `total([1])`"
        in change.decision.approval_reason
    )
    assert not lonely.branch()


def test_an_example_that_is_kept_refuses_what_breaks_it(lonely):
    broken = lonely.files[MONEY_FILE].replace("result = 0", "result = 1")
    change = lonely.judge({MONEY_FILE: broken})
    assert change.state is REJECTED
    assert change.decision.tests == ("till/money.py::till.money.total",)


def test_a_test_beside_the_code_is_not_weakened(lonely):
    weak = lonely.files["till/side.py"].replace("total([]) == 0", "total([]) is not None")
    change = lonely.judge({"till/side.py": weak.replace("result = 0", "result = 1")})
    assert change.state is WAITS
    assert "there are tests in till/side.py" in change.decision.approval_reason
    assert not lonely.branch()


TILL = '    if till is None:\n        raise NotMoney("no till")\n    return sum(till)\n'
READS_THE_SOURCE = """import pathlib

from till import money


def test_the_source_says_how_it_ends():
    assert "    return sum(till)" in pathlib.Path(money.__file__).read_text().splitlines()
"""
OTHERWISE = money(TILL, TILL.replace("    return", "    else:\n        return"))


def test_the_same_program_lands_without_mutants_though_no_test_reaches_it(own):
    change = own.judge(OTHERWISE)
    assert change.state is EnhancementState.APPLIED, change.decision
    assert change.decision.proof.files == (MONEY_FILE,)
    assert change.decision.protection is None
    assert "full run" in own.runs()
    assert "mutation" not in own.runs()
    assert change.decision.evidence[0].startswith("Proven: the compiled program is the same under")
    steps = [
        each.message for each in own.deps.bus.published if isinstance(each.message, GateDecided)
    ]
    [proven] = [each for each in steps if each.step == "prove"]
    assert proven.changes == (change.id,)


@pytest.fixture
def reading() -> Iterator[Gate]:
    yield from gates(files=FILES | {"tests/test_source.py": READS_THE_SOURCE})


def test_a_test_that_reads_the_source_refuses_the_same_program(reading):
    change = reading.judge(OTHERWISE)
    assert change.state is REJECTED
    assert change.decision.tests == ("tests/test_source.py::test_the_source_says_how_it_ends",)
    assert change.decision.proof is not None
    assert not reading.branch()


EXCHANGE = (
    "import till\nimport till.rates\n\n\ndef rate(name):\n    return till.rates.TABLE[name]\n"
)
TOGETHER = {
    "till/rates.py": 'TABLE = {"eur": 1}\n',
    "till/exchange.py": EXCHANGE,
    "tests/test_exchange.py": "from till import exchange\n\n\ndef test_a_rate_is_found():\n"
    '    assert exchange.rate("eur") == 1\n',
    "tests/test_rates.py": "from till import rates\n\n\ndef test_there_is_a_table():\n"
    "    assert rates.TABLE\n",
}


@pytest.fixture
def together() -> Iterator[Gate]:
    yield from gates(files=FILES | TOGETHER, unprotected="allow")


def test_a_test_that_fails_alone_with_a_change_refuses_it(together):
    """The other test file imports what the change no longer does, so all tests together pass."""
    change = together.judge({"till/exchange.py": EXCHANGE.replace("import till.rates\n", "")})
    assert change.state is REJECTED, change.decision
    [test] = change.decision.tests
    assert test.startswith("tests/test_exchange.py::test_a_rate_is_found in a run of only 1 test (")
    assert not together.branch()


@pytest.fixture
def dependent() -> Iterator[Gate]:
    missing = {"till/exchange.py": EXCHANGE.replace("import till.rates\n", "")}
    yield from gates(files=FILES | TOGETHER | missing, unprotected="allow")


def test_a_test_that_fails_alone_on_the_head_too_is_no_evidence(dependent):
    before = dependent.files["till/exchange.py"]
    change = dependent.judge({"till/exchange.py": before.replace("TABLE[name]", "TABLE.get(name)")})
    assert change.state is EnhancementState.APPLIED, change.decision


def test_a_patch_of_files_that_its_change_does_not_name_is_rejected(asking):
    both = KEPT | judges(ADDING, "")
    [change] = asking.judge_all([both], files=(MONEY_FILE,))
    assert change.state is REJECTED
    assert change.decision.reason == f"unnamed-file: its patch also edits {TEST_FILE}"


@pytest.fixture
def approving() -> Iterator[Gate]:
    """For approved changes of what judges them."""
    yield from gates(protected="ask", unprotected="allow")


def edits_that_took_effect(gate: Gate) -> set[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The changes of each run in which protected files were as edited, and these files."""
    runs = gate.runner.run(gate.deps.store.runs.find())
    return {(each.request.changes, each.request.approved) for each in runs if each.request.approved}


def test_an_approved_test_that_fails_rejects_its_change_before_it_lands(approving):
    waiting = approving.judge(judges('parse("12") == 12', 'parse("12") == 13'))
    assert waiting.state is WAITS
    assert not edits_that_took_effect(approving)
    [change] = approving.approve(waiting)
    assert change.state is REJECTED, change.decision
    assert change.decision.tests == ("tests/test_money.py::test_a_sum_is_read",)
    assert not approving.branch()


def test_an_approved_edit_that_ends_tests_of_other_files_is_rejected(approving):
    [change] = approving.approve(approving.judge(OF_TESTS["pyproject.toml does"]))
    assert change.state is REJECTED, change.decision
    assert ADDED in change.decision.tests


SPLIT = {
    MONEY_FILE: MONEY + "\n\ndef halves(price):\n    return price // 2, price - price // 2\n",
    TEST_FILE: TESTS.replace("prices_are_added", "all_are_added")
    + "\n\ndef test_halves():\n    assert money.halves(3) == (1, 2)\n",
}


def test_approved_tests_are_tested_as_they_land_and_rolled_back_with_their_code(approving):
    waiting = approving.judge(SPLIT)
    assert waiting.state is WAITS, waiting.decision
    assert waiting.decision.evidence[-1].startswith(f"its edits of {TEST_FILE} are tested once")
    [landed] = approving.approve(waiting)
    assert landed.state is EnhancementState.APPLIED, landed.decision
    assert landed.decision.evidence[0] == (
        f"What judges it was edited with approval ({TEST_FILE}); appeared: "
        f"{TEST_FILE}::test_all_are_added, {TEST_FILE}::test_halves; vanished or skipped: {ADDED}."
    )
    assert edits_that_took_effect(approving) == {((landed.id,), (TEST_FILE,))}
    undone = approving.roll_back(landed)
    assert undone.state is EnhancementState.ROLLED_BACK, undone.landing.rollback_refusal


def test_a_change_beside_an_approved_edit_of_the_tests_gains_nothing_by_it(approving):
    """The approved edit would hide what the other change breaks."""
    waiting = approving.judge(judges("== 6", "> 0"))
    bad, good = money("result += each", "result = each"), KEPT
    weaker, hidden, kept = approving.approve(waiting, beside=[bad, good])
    assert hidden.state is REJECTED, hidden.decision
    assert hidden.decision.tests == (ADDED,)
    assert [each.state for each in (weaker, kept)] == [EnhancementState.APPLIED] * 2
    assert edits_that_took_effect(approving) == {((weaker.id,), (TEST_FILE,))}
