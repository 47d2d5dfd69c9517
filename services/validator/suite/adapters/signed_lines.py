"""Reads the signed report lines of our pytest plugin and our unittest runner (`in_target`).

We read the plugin's lines rather than pytest's JUnit file, because JUnit has no node ids: a class,
a file and a name do not always lead back to the one test to run again, subtests appear as tests of
the same name, and a module that cannot be imported becomes a test.
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

# The exit codes of pytest.
PASSED, FAILED, INTERRUPTED, INTERNAL_ERROR, USAGE_ERROR, NO_TESTS = range(6)
ABORT_REASONS = {
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
    """Read the report of one test session, or of several one after the other.

    The report is trusted only if each session reached its end and the exit code agrees with it. It
    may tell of a failure where no test failed: a suite can fail as a whole, by its coverage for
    example. Where the command does more than run one session (`alone` is false), its exit code is
    not compared.
    """
    try:
        lines = verify_lines(content, keys)
        results = by_id(_results(lines))
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        return Infrastructure(f"The test report is damaged: {error!r}.")
    contradiction = _contradiction(exit_code, results) if alone else ""
    if reason := _early_end(lines) or contradiction:
        return Infrastructure(reason)
    problem = "No test was collected." if not results else ""
    return Reported(TestReport(results, seconds, exit_code, problem=problem))


def verify_lines(content: bytes, keys: Sequence[bytes]) -> list[Mapping[str, Any]]:
    """Return the decoded lines of sessions that signed with these keys.

    Each line names its key and is signed together with its number. Raises ValueError if a line is
    forged or repeated, or one before it is missing.
    """
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


def _early_end(lines: Iterable[Mapping[str, Any]]) -> str:
    """Return why the report is incomplete, or an empty text if it is complete."""
    events = [line["event"] for line in lines]
    if not events or events.count("start") != events.count("finish"):
        return "The test process ended before the test session did."
    stopped = [line["stopped"] for line in lines if line["event"] == "finish" and line["stopped"]]
    return f"The test session stopped early: {stopped[0]}." if stopped else ""


def _contradiction(exit_code: int, results: Mapping[str, TestResult]) -> str:
    """Return how the exit code contradicts the results or means an early end; empty if neither."""
    failing = sum(each.outcome.bad for each in results.values())
    if exit_code == PASSED and failing:
        return f"The test process ended with success, but {failing} tests failed in its report."
    if exit_code == NO_TESTS and results:
        return "The test process found no tests, but its report has some."
    if exit_code in {PASSED, FAILED, NO_TESTS} or (exit_code == USAGE_ERROR and failing):
        return ""
    return ABORT_REASONS.get(exit_code, f"The test process ended with {exit_code}.")


def _results(lines: Iterable[Mapping[str, Any]]) -> Iterable[TestResult]:
    """Yield the result that each line of a test, subtest or failed collection gives."""
    for line in lines:
        if line["event"] not in {"collect", "test", "subtest"}:
            continue
        outcome = _outcome(line)
        if outcome is not None:
            detail = str(line.get("detail", line.get("xfail", "")))
            yield TestResult(line["id"] or "(session)", outcome, float(line["seconds"]), detail)


def _outcome(line: Mapping[str, Any]) -> Outcome | None:
    """Return the outcome that one phase of a test gives it, or None if it gives none (a rerun)."""
    reported = line["outcome"]
    if reported == "failed":
        return Outcome.FAILED if line["when"] == "call" else Outcome.ERROR
    if reported == "skipped":
        return Outcome.XFAILED if "xfail" in line else Outcome.SKIPPED
    if reported == "passed":
        return Outcome.XPASSED if "xfail" in line else Outcome.PASSED
    return None
