"""A change whose suite fails as a whole is refused with what the suite said about it."""

from types import SimpleNamespace

import pytest

from services.validator.decision.evidence import Reject, RunPlan
from services.validator.gate import loop
from services.validator.runs.usecases.reports import store_text
from services.validator.suite.domain.reports import (
    COMMAND_RESULT_ID,
    Outcome,
    TestReport,
    TestResult,
)
from tests.support.builders import a_test_run, a_wave, an_enhancement
from tests.support.memory import a_store
from tests.support.validator_deps import a_validator

PLAN = RunPlan(("c",))
MISSED = "FAIL Required test coverage of 90% not reached. Total: 71%"
PRINTED = f"1 passed\n{MISSED}\n===\n"


class Round:
    """A round of one change, whose last run is `run`."""

    def __init__(self, change, run):
        self.change, self.runs = change, {PLAN: run}
        self.facts = SimpleNamespace(impacted={})

    def remove(self, _):
        return self.change


@pytest.mark.parametrize(
    ("test", "detail", "ending"),
    [
        (
            COMMAND_RESULT_ID,
            PRINTED,
            f"; the test command as a whole fails: {MISSED}",
        ),
        (COMMAND_RESULT_ID, "", ""),
        ("t.py::test_a", PRINTED, ""),
    ],
    ids=["as a whole", "nothing was printed", "a test"],
)
async def test_the_reason_ends_in_what_the_suite_said(tmp_path, monkeypatch, test, detail, ending):
    deps = a_validator(a_store(), tmp_path)
    results = {
        COMMAND_RESULT_ID: TestResult(COMMAND_RESULT_ID, Outcome.FAILED, 0, detail),
        "t.py::test_a": TestResult("t.py::test_a", Outcome.FAILED, 0, detail),
    }
    digest = await store_text(TestReport(results).to_json(), "tests", deps)
    run = a_test_run(a_wave(), state="finished", outcome="reported", report=digest)
    reasons = []

    async def reject(_change, reason, _deps, **_):
        reasons.append(reason)

    async def publish(*_):
        pass

    monkeypatch.setattr(loop, "reject", reject)
    monkeypatch.setattr(loop, "publish_dismissal", publish)
    step = Reject("c", (test,), PLAN, "it makes 1 test worse")
    await loop._dismiss(Round(an_enhancement(), run), step, deps)
    assert reasons == [f"it makes 1 test worse{ending}"]
