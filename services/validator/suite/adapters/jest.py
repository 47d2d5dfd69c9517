"""Reads the JSON reports of jest and vitest, which may come from anybody."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.validator.suite.adapters.unsigned import (
    MAX_DETAIL_CHARACTERS,
    check_size,
    report_unless_contradicted,
)
from services.validator.suite.domain.reports import (
    Infrastructure,
    Outcome,
    RunOutcome,
    TestResult,
    by_id,
)

OUTCOMES = {
    "passed": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "pending": Outcome.SKIPPED,
    "skipped": Outcome.SKIPPED,
    "disabled": Outcome.SKIPPED,
    "todo": Outcome.SKIPPED,
}


def read_jest(content: bytes | None, tree: Path, *, exit_code: int, seconds: float) -> RunOutcome:
    """Return the results in a report, or why it cannot be trusted; its files lie in `tree`.

    A test's id is its file, suites and title. A report that is missing, incomplete or contradicted
    by the exit code is never a pass.
    """
    if content is None:
        return Infrastructure("The tests left no JSON report.")
    try:
        check_size(content)
        report = json.loads(content)
        results = by_id(_results(report, tree))
        listed = sum(len(each["assertionResults"]) for each in report["testResults"])
        declared = int(report["numTotalTests"])
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        return Infrastructure(f"The JSON report is damaged: {error!r}.")
    if declared > listed:
        return Infrastructure(f"The JSON report declares {declared} tests but lists {listed}.")
    return report_unless_contradicted(results, exit_code=exit_code, seconds=seconds)


def _results(report: Any, tree: Path) -> Iterator[TestResult]:
    """Yield the result of each test, and an error for each file that could not be loaded."""
    for file in report["testResults"]:
        name = os.path.relpath(file["name"], tree)
        if file["status"] == "failed" and not file["assertionResults"]:
            detail = str(file.get("message", ""))[-MAX_DETAIL_CHARACTERS:]
            yield TestResult(name, Outcome.ERROR, 0.0, detail)
        for each in file["assertionResults"]:
            yield TestResult(
                " > ".join((name, *each["ancestorTitles"], each["title"])),
                OUTCOMES[each["status"]],
                float(each.get("duration") or 0) / 1000,
                "\n".join(each.get("failureMessages") or ())[-MAX_DETAIL_CHARACTERS:],
            )
