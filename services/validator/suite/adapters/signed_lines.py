"""Reads what our pytest plugin and our runner of unittest wrote (`inside`).

The plugin rather than pytest's JUnit file, because JUnit has no node ids: a class, a file and a name
do not always lead back to the one test to run again, subtests appear as tests of the same name, and a
module that cannot be imported becomes a test. A JUnit file in addition would say nothing more.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.validator.suite.domain.reports import (
    Infrastructure,
    Outcome,
    Reported,
    RunOutcome,
    TestReport,
    TestResult,
    by_id,
)

# Of pytest's exit codes: all passed, some failed, and no test was collected.
PASSED, FAILED, INTERRUPTED, INTERNAL_ERROR, USAGE_ERROR, NO_TESTS = range(6)
SAID = {
    INTERRUPTED: "The test run was interrupted before its end.",
    INTERNAL_ERROR: "pytest itself failed.",
    USAGE_ERROR: "pytest could not begin.",
}


def read_lines(
    content: bytes,
    keys: Sequence[bytes],
    *,
    exit_code: int,
    seconds: float,
    alone: bool = True,
) -> RunOutcome:
    """The report of one test session, or of several one after the other.

    Trusted only where each session reached its end and the exit code says the same; where the
    command is not that session `alone`, its exit code is another one's and is not compared.
    """
    try:
        lines = verified(content, keys)
        results = by_id(_results(lines))
    except (ValueError, KeyError, TypeError) as error:
        return Infrastructure(f"The test report is damaged: {error!r}.")
    contradiction = _contradicted(exit_code, results) if alone else ""
    if reason := _unfinished(lines) or contradiction:
        return Infrastructure(reason)
    problem = "No test was collected." if not results else ""
    return Reported(TestReport(results, seconds, exit_code, problem=problem))


def verified(content: bytes, keys: Sequence[bytes]) -> list[Mapping[str, Any]]:
    """The lines that their sessions signed; raises ValueError where one was not, or where one is missing."""
    counts = [0] * len(keys)
    lines = []
    for each in map(json.loads, content.splitlines()):
        number = each["key"]
        if not 0 <= number < len(keys):
            raise ValueError("a line has a key that was not given out")
        signed = f"{number}:{counts[number]}:{each['line']}".encode()
        counts[number] += 1
        mac = hmac.new(keys[number], signed, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(mac, each["mac"]):
            raise ValueError("a line was not written by the test session")
        lines.append(json.loads(each["line"]))
    return lines


def _unfinished(lines: Iterable[Mapping[str, Any]]) -> str:
    """Why the report cannot be all of it, if so."""
    events = [line["event"] for line in lines]
    if not events or events.count("start") != events.count("finish"):
        return "The test process ended before the test session did."
    stopped = [line["stopped"] for line in lines if line["event"] == "finish" and line["stopped"]]
    return f"The test session stopped early: {stopped[0]}." if stopped else ""


def _contradicted(exit_code: int, results: Mapping[str, TestResult]) -> str:
    """What the exit code says that the report does not, if so."""
    failing = sum(each.outcome.bad for each in results.values())
    if exit_code == PASSED and failing:
        return f"The test process ended with success, but {failing} tests failed in its report."
    if exit_code == FAILED and not failing:
        return "The test process ended with a failure, but no test failed in its report."
    if exit_code == NO_TESTS and results:
        return "The test process said that there are no tests, but its report has some."
    if exit_code in {PASSED, FAILED, NO_TESTS} or (exit_code == USAGE_ERROR and failing):
        return ""
    return SAID.get(exit_code, f"The test process ended with {exit_code}.")


def _results(lines: Iterable[Mapping[str, Any]]) -> Iterable[TestResult]:
    for line in lines:
        if line["event"] not in {"collect", "test", "subtest"}:
            continue
        outcome = _outcome(line)
        if outcome is not None:
            detail = str(line.get("detail", line.get("xfail", "")))
            yield TestResult(line["id"] or "(session)", outcome, float(line["seconds"]), detail)


def _outcome(line: Mapping[str, Any]) -> Outcome | None:
    """What one phase says about its test; None where it says nothing, as a rerun does."""
    said = line["outcome"]
    if said == "failed":
        return Outcome.FAILED if line["when"] == "call" else Outcome.ERROR
    if said == "skipped":
        return Outcome.XFAILED if "xfail" in line else Outcome.SKIPPED
    if said == "passed":
        return Outcome.XPASSED if "xfail" in line else Outcome.PASSED
    return None
