"""The protection of changes to a small real package is measured by mutants.

Its own suite runs in the real sandbox, over a real repository.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.validator.approval.domain import unprotected_reason
from services.validator.approval.usecases import request_approvals
from services.validator.impact.domain.impact import Change
from services.validator.impact.usecases.recordings import Recorded
from services.validator.mutation.adapters import SandboxedMutationRunner
from services.validator.mutation.domain.plan import MutantResult, MutationReport
from services.validator.mutation.usecases.affordable import select_tests_for_line
from services.validator.mutation.usecases.protection import measure_protection
from services.validator.prepared import PreparedHead, prepare_head
from services.validator.suite.adapters.suite import SandboxedSuite
from services.validator.suite.domain.recording import ImpactMap
from services.validator.suite.domain.reports import Infrastructure, Outcome, Reported
from shared.contracts.base import RunKind
from shared.contracts.documents.protection import (
    LostCoverage,
    Protection,
    SurvivingMutant,
    protection_share,
)
from shared.contracts.documents.storage import Patch
from shared.contracts.work import RunTests
from shared.environments.interpreters import running_interpreter
from shared.environments.ports import Environment
from shared.kernel.ids import uuid7
from shared.sandbox.scratch import Scratch
from shared.targets.config import parse_config
from tests.support.builders import a_task, an_enhancement
from tests.support.buses import RecordingBus
from tests.support.landing import a_patch, a_yard
from tests.support.memory import a_store
from tests.support.runs import execute_run
from tests.support.sandboxes import a_sandbox, the_best
from tests.support.validator_deps import a_validator

BIN = Path(sys.executable).parent
PRICES = '''
"""Prices."""

import os


def tested(price, percent):
    """Take some off."""
    return price - price * percent / 100


def untested(price, percent):
    return price - price * percent / 100


def unasked(prices):
    total = 0
    for each in prices:
        total += each
    return total
'''
TESTS = """
import prices


def test_some_is_taken_off():
    assert prices.tested(200, 10) == 180
    assert prices.tested(100, 0) == 100


def test_prices_are_added():
    prices.unasked([1, 2])
"""


@dataclass
class ExecutingBus(RecordingBus):
    """A bus that executes a run as soon as it is requested."""

    deps: list = field(default_factory=list)

    async def publish(self, message, *, key, wave=""):
        await super().publish(message, key=key, wave=wave)
        if isinstance(message, RunTests):
            await execute_run(message, self.deps[0])


class FakeEnvironments:
    async def prepare(self, target_id, described, tree):
        return Environment(
            "key", BIN, (BIN.parent, *running_interpreter().required_directories), 0, True
        )


@dataclass
class Bench:
    """A target with the deps of a gate.

    `stack` puts changes on the target's head; each replaces the text that it was made on.
    """

    yard: object
    deps: object
    place: PreparedHead
    wave: str = field(default_factory=uuid7)
    text: str = PRICES

    async def stack(self, *edits, **fields):
        changes, patches = [], []
        for n, (old, new) in enumerate(edits):
            assert old in self.text
            after = self.text.replace(old, new)
            patch = a_patch("prices.py", self.text, after)
            change = an_enhancement(
                a_task(),
                key=f"k{n}",
                files=("prices.py",),
                state="validating",
                target_id=self.place.target.id,
                patch=f"{n:064d}",
                **fields,
            )
            await self.deps.store.patches.insert(
                Patch(id=change.proposal.patch.digest, text=patch, created_at=self.deps.clock())
            )
            await self.deps.store.enhancements.insert(change)
            changes.append(change)
            patches.append((change.id, patch))
            self.text = after
        composed = self.yard.repository.compose(self.place.head, patches)
        assert not composed.failed
        return changes, dict(composed.steps)

    async def measure_protection(self, changes, trees, **how):
        return await measure_protection(
            self.deps, self.place, changes, trees, wave_id=self.wave, **how
        )

    async def suite(self, tree):
        outcome = await self.deps.suite.run(
            tree, self.place.profile, self.place.environment, target_id=self.place.target.id
        )
        assert isinstance(outcome, Reported), outcome
        return outcome.report


@pytest.fixture
async def bench(tmp_path):
    yard = a_yard(tmp_path, **{"prices.py": PRICES, "tests/test_prices.py": TESTS})
    store, bus = a_store(), ExecutingBus()
    async with a_sandbox(the_best()) as sandbox:
        scratch = Scratch(tmp_path / "runs", uuid7)

        def tree(target_id, oid):
            return yard.mirror.tree(oid)

        deps = a_validator(
            store,
            tmp_path / "home",
            bus=bus,
            repository=lambda target: yard.repository,
            environments=FakeEnvironments(),
            suite=SandboxedSuite(sandbox, scratch, tree),
            mutation_runner=SandboxedMutationRunner(sandbox, scratch, tree),
            sandbox=sandbox,
        )
        bus.deps.append(deps)
        await store.targets.insert(yard.target)
        yield Bench(yard, deps, await prepare_head(deps, yard.target, yard.head()))
        scratch.close()


async def test_a_change_that_breaks_what_no_test_looks_at_passes_them_all_and_is_flagged(bench):
    """In a tested function the tests reject the same change, and a good change is protected."""
    changes, trees = await bench.stack(
        (
            "def untested(price, percent):\n    return price - price",
            "def untested(price, percent):\n    return price + price",
        ),
        ("total += each", "total -= each"),
        ("price - price * percent / 100", "price * (100 - percent) / 100"),
        ("import os\n", ""),
        ('    """Take some off."""\n', ""),
        safe=True,
    )  # fmt: skip
    broken, reached, good, gone, silent = changes
    report = await bench.suite(trees[silent.id])
    assert not report.failing, "every test passes on what would land"

    found = await bench.measure_protection(changes, trees)

    assert found[broken.id].state == "unprotected"
    assert not any(each.reached for each in found[broken.id].survived)
    assert "which no test reaches: `" in found[broken.id].summary
    assert 11 in {each.line for each in found[broken.id].survived}
    assert [each.reached for each in found[reached.id].survived] == [True]
    assert "`total -= each` was left out" in {
        each.description for each in found[reached.id].survived
    }
    assert found[good.id].state == "protected"
    assert found[good.id].mutants == found[good.id].killed > 0
    assert (found[gone.id].state, found[silent.id].state) == ("not_measured", "nothing")

    asked = await request_approvals(
        changes, bench.place, "c" * 40, lambda _: (), bench.deps, protections=found
    )
    assert {each.id for each in asked} == {broken.id, reached.id}
    stored = await bench.deps.store.enhancements.require(broken.id)
    assert stored.state == "needs_approval"
    assert "mutants survived: " in stored.decision.approval_reason
    assert stored.decision.protection == found[broken.id]

    run = await bench.deps.store.runs.require(stored.decision.protection.run)
    assert (run.request.kind, run.request.tests) == (RunKind.MUTATION, ())
    assert run.result.outcome == "reported"
    assert run.request.plan is not None
    share = protection_share([await protection(bench, each) for each in changes])
    assert (share.changes, share.protected_changes) == (3, 1)


async def protection(bench, change):
    return (await bench.deps.store.enhancements.require(change.id)).decision.protection


async def test_the_same_fault_in_a_tested_function_is_refused_by_the_tests(bench):
    [change], trees = await bench.stack(
        ('off."""\n    return price - price', 'off."""\n    return price + price')
    )  # fmt: skip
    assert (await bench.suite(trees[change.id])).failing == {
        "tests/test_prices.py::test_some_is_taken_off"
    }


class FakeMutationRunner:
    """Answers as it is told, and counts."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    async def run(self, tree, plan, profile, environment, tests=(), **more):
        self.asked.append((tree, plan, tests, more))
        return self.answer


async def test_a_run_that_gives_no_report_is_tried_again_and_then_nothing_is_known(bench):
    faults = FakeMutationRunner(Infrastructure("The sandbox died.", "tail"))
    object.__setattr__(bench.deps, "mutation_runner", faults)
    changes, trees = await bench.stack(("total += each", "total -= each"))
    found = await bench.measure_protection(changes, trees)
    known = found[changes[0].id]
    assert (known.state, known.mutants, known.run) == ("unknown", 0, None)
    assert known.summary == "no mutant could be tried: The sandbox died."
    assert [each[2] for each in faults.asked] == [()] * 3
    assert faults.asked[0][3]["base_oid"] == bench.place.tree
    await bench.measure_protection(changes, trees)
    assert len(faults.asked) == 3, "it is known by now"


async def test_where_no_mutant_can_be_made_the_reason_is_given_and_nobody_is_asked(bench):
    faults = FakeMutationRunner(None)
    object.__setattr__(bench.deps, "mutation_runner", faults)
    test = bench.place.profile.test.model_copy(update={"framework": "unittest"})
    profile = bench.place.profile.model_copy(update={"test": test})
    object.__setattr__(bench.place, "profile", profile)
    changes, trees = await bench.stack(
        ("total += each", "total -= each"), ('"""Prices."""', '"""All prices."""')
    )
    found = await bench.measure_protection(changes, trees)
    measured, nothing = (found[each.id] for each in changes)
    assert (measured.state, nothing.state) == ("not_measured", "nothing")
    assert "run with unittest" in measured.summary
    assert not faults.asked
    assert not unprotected_reason(changes[0], measured, profile.config)


async def test_protected_files_get_no_mutants(bench):
    faults = FakeMutationRunner(None)
    object.__setattr__(bench.deps, "mutation_runner", faults)
    change = an_enhancement(files=("tests/test_prices.py",), target_id=bench.place.target.id)
    patch = a_patch("tests/test_prices.py", TESTS, TESTS.replace("180", "179 + 1"))
    composed = bench.yard.repository.compose(bench.place.head, [(change.id, patch)])
    found = await bench.measure_protection([change], dict(composed.steps))
    assert (found[change.id].state, faults.asked) == ("nothing", [])


async def test_with_a_recording_only_the_tests_that_reach_a_fault_are_run(bench):
    head = bench.place.tree
    outcome = await bench.deps.suite.run(
        head, bench.place.profile, bench.place.environment, target_id="t", record=True
    )
    recorded = Recorded(head, ImpactMap.from_json(outcome.impact))
    changes, trees = await bench.stack(
        ('off."""\n    return price - price', 'off."""\n\n    return price - 1 * price'),
    )  # fmt: skip
    faults, new = FakeMutationRunner(MutationReport({})), "tests/test_prices.py::test_new"
    object.__setattr__(bench.deps, "mutation_runner", faults)
    await bench.measure_protection(changes, trees, recorded=recorded, present={new: Outcome.PASSED})
    assert [each[2] for each in faults.asked] == [
        (new, "tests/test_prices.py::test_some_is_taken_off")
    ]


UNREACHED = dict.fromkeys(range(9), MutantResult(False))
TESTED = ('off."""\n    return price - price', 'off."""\n    return price - 1 * price')


@pytest.mark.parametrize(
    ("edit", "tried", "lost"),
    [
        (TESTED, MutationReport(UNREACHED, passing=1), ["tested"]),
        (
            TESTED,
            MutationReport(dict.fromkeys(UNREACHED, MutantResult(True, reached=True)), passing=1),
            [],
        ),
        # The one test that reached it failed, so nobody knows what it reaches.
        (TESTED, MutationReport(UNREACHED, passing=0), []),
        (
            ("percent / 100\n\n\ndef unasked", "percent\n\n\ndef unasked"),
            MutationReport(UNREACHED),
            [],
        ),
    ],
    ids=["lost", "kept", "not known", "never reached"],
)
async def test_a_change_after_which_no_test_reaches_what_some_did_asks_whatever_the_policy(
    bench, edit, tried, lost
):
    config = bench.place.profile.config
    policy = config.policy.model_copy(update={"unprotected": "allow"})
    allowing = config.model_copy(update={"policy": policy})
    profile = bench.place.profile.model_copy(update={"config": allowing})
    object.__setattr__(bench.place, "profile", profile)
    head = bench.place.tree
    outcome = await bench.deps.suite.run(
        head, profile, bench.place.environment, target_id="t", record=True
    )
    changes, trees = await bench.stack(edit, safe=True)
    object.__setattr__(bench.deps, "mutation_runner", FakeMutationRunner(tried))
    found = await bench.measure_protection(
        changes,
        trees,
        recorded=Recorded(head, ImpactMap.from_json(outcome.impact)),
        present=outcome.report.outcomes,
    )
    [change] = changes
    expected = [LostCoverage(path="prices.py", function=name, tests_before=1) for name in lost]
    assert list(found[change.id].uncovered) == expected
    asked = await request_approvals(
        changes, bench.place, "c" * 40, lambda _: (), bench.deps, protections=found
    )
    assert len(asked) == len(lost)
    stored = await bench.deps.store.enhancements.require(change.id)
    assert stored.decision.protection == found[change.id]
    assert (
        "no test reaches `tested` any more, and 1 did before" in stored.decision.approval_reason
    ) == bool(lost)


def test_of_a_file_that_no_test_ran_the_tests_are_those_that_import_it():
    recorded = ImpactMap(
        tests=("a", "b"),
        files=("test_a.py", "test_b.py"),
        reached={"m.py": {(1, "f"): 0b01}},
        imports={"test_a.py": ("m.py", "n.py")},
    )
    text = "def f(): return 1\n"
    same = Change(text, text, text)
    assert select_tests_for_line(recorded, "m.py", same, 1) == {"a"}
    assert select_tests_for_line(recorded, "n.py", same, 1) == {"a"}
    assert select_tests_for_line(recorded, "setup.py", same, 1) == frozenset()
    assert select_tests_for_line(recorded, "setup.py", Change(None, None, text), 1) is None


def test_what_also_runs_at_import_is_for_the_tests_that_call_it():
    text = "def f(): return 1\n\ndef g(): return f()\n"
    recorded = ImpactMap(
        tests=("a", "b"),
        files=("test_a.py", "test_b.py"),
        reached={"m.py": {(1, "f"): 0b01}},
        at_import={"m.py": frozenset({(1, "f"), (3, "g")})},
        imports={"test_a.py": ("m.py",), "test_b.py": ("m.py",)},
    )
    assert select_tests_for_line(recorded, "m.py", Change(text, text, text), 1) == {"a"}
    assert select_tests_for_line(recorded, "m.py", Change(text, text, text), 3) == {"a", "b"}


def test_who_asks_for_what_a_function_keeps_is_not_known_so_it_is_all_that_import_it():
    text = "@cache\ndef f(): return 1\n"
    recorded = ImpactMap(
        tests=("a", "b"),
        files=("test_a.py", "test_b.py"),
        reached={"m.py": {(1, "f"): 0b01}},
        imports={"test_a.py": ("m.py",), "test_b.py": ("m.py",)},
    )
    assert select_tests_for_line(recorded, "m.py", Change(text, text, text), 2) == {"a", "b"}
    each = text.replace("@cache", "@functools.cached_property")
    assert select_tests_for_line(recorded, "m.py", Change(each, each, each), 2) == {"a"}


GREEN = Protection(
    state="unprotected",
    mutants=1,
    survived=(SurvivingMutant(path="m.py", line=1, description="w", reached=True),),
    summary="m.py:1: w",
)


@pytest.mark.parametrize(
    ("policy", "safe", "protection", "asked"),
    [
        ("ask", True, GREEN, True),
        ("ask", False, GREEN, True),
        ("safe", True, GREEN, False),
        ("safe", False, GREEN, True),
        ("allow", False, GREEN, False),
        ("ask", False, GREEN.model_copy(update={"state": "unknown"}), True),
        ("ask", False, GREEN.model_copy(update={"state": "protected"}), False),
        ("ask", False, GREEN.model_copy(update={"state": "not_measured"}), False),
        ("ask", False, GREEN.model_copy(update={"state": "nothing"}), False),
        ("ask", False, None, False),
    ],
)
def test_the_policy_says_who_is_asked(policy, safe, protection, asked):
    config = parse_config(f'[policy]\nunprotected = "{policy}"\n'.encode())
    why = unprotected_reason(an_enhancement(safe=safe), protection, config)
    assert why == ("it is unprotected: m.py:1: w" if asked else "")
