"""Reads the JSON that jest writes, and vitest in the same form. It is data from a stranger."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.validator.suite.adapters.unsigned import DETAIL, check_size, reported
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
    """The report; ids are file, suites and title. What is missing or contradicted is never a pass."""
    if content is None:
        return Infrastructure("The tests left no JSON report.")
    try:
        check_size(content)
        report = json.loads(content)
        results = by_id(_results(report, tree))
        named = sum(len(each["assertionResults"]) for each in report["testResults"])
        declared = int(report["numTotalTests"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return Infrastructure(f"The JSON report is damaged: {error!r}.")
    if declared > named:
        return Infrastructure(f"The JSON report speaks of {declared} tests and names {named}.")
    return reported(results, exit_code=exit_code, seconds=seconds)


def _results(report: Any, tree: Path) -> Iterator[TestResult]:
    """Each test; a file that could not be loaded is one too."""
    for file in report["testResults"]:
        name = os.path.relpath(file["name"], tree)
        if file["status"] == "failed" and not file["assertionResults"]:
            yield TestResult(name, Outcome.ERROR, 0.0, str(file.get("message", ""))[-DETAIL:])
        for each in file["assertionResults"]:
            yield TestResult(
                " > ".join((name, *each["ancestorTitles"], each["title"])),
                OUTCOMES[each["status"]],
                float(each.get("duration") or 0) / 1000,
                "\n".join(each.get("failureMessages") or ())[-DETAIL:],
            )
