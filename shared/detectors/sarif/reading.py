"""Reading SARIF logs of any tool."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from shared.contracts.base import Severity
from shared.contracts.documents.findings import ReportedEdit, ReportedFinding
from shared.detectors.sarif.model import (
    SarifArtifact,
    SarifDriver,
    SarifFound,
    SarifLog,
    SarifReplacement,
    SarifRule,
    SarifRun,
)
from shared.kernel.errors import Rejected
from shared.kernel.json_data import read_json
from shared.targets.names import path_problem

MAX_BYTES = 50_000_000
MAX_MESSAGE_CHARACTERS = 500
MAX_FIX_CHARACTERS = 5_000
SEVERITIES = {
    "error": Severity.ERROR,
    "warning": Severity.WARNING,
    "note": Severity.NOTE,
    "none": Severity.NOTE,
}
NOT_FOUND = frozenset({"pass", "notApplicable", "informational", "open"})
NO_NAME = re.compile(r"[^a-z0-9.+-]+")


def read_sarif(content: bytes, root: str = "") -> tuple[list[ReportedFinding], list[str]]:
    """Return the results of a log, and sentences on those that are left out.

    `root` is the folder that absolute addresses are below. Raises `Rejected` where it is no SARIF
    2.1.0 log.
    """
    if len(content) > MAX_BYTES:
        raise Rejected(
            f"The SARIF log has more than {MAX_BYTES:,} bytes.",
            hint="Let the tool look at fewer files or rules, and make several logs.",
            code="bad_sarif",
        )
    try:
        log = SarifLog.model_validate(_parsed(content))
    except ValueError as error:
        raise Rejected(
            f"This is no SARIF 2.1.0 log: {_problem(error)}.",
            hint="Most tools have an option for it, such as --format sarif; other formats, and "
            "SARIF 1 and 2.0, are not read.",
            code="bad_sarif",
        ) from None
    found = [each for run in log.runs for each in _results(run, root)]
    results = [each for each in found if isinstance(each, ReportedFinding)]
    return results, _notes([each for each in found if isinstance(each, str)])


def _parsed(content: bytes) -> Any:
    """Return the value of a log. Raises ValueError where it is no JSON, or nested too deeply."""
    try:
        return read_json(content.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error}") from None


def _problem(error: Exception) -> str:
    """Return what is wrong with a log, with the place of it."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        return f"{place}: {first['msg']}" if place else "a log is an object with version and runs"
    return str(error)


def _notes(reasons: list[str]) -> list[str]:
    """Return how many results are left out for each reason."""
    counts = {each: reasons.count(each) for each in dict.fromkeys(reasons)}
    return [
        f"{count} {'result is' if count == 1 else 'results are'} left out: {reason}."
        for reason, count in counts.items()
    ]


def _results(run: SarifRun, root: str) -> Iterator[ReportedFinding | str]:
    """Yield the results of a run, or why one is left out."""
    driver = run.tool.driver
    commits = [each.revision_id for each in run.version_control_provenance]
    for each in run.results or ():
        if each.kind in NOT_FOUND or each.baseline_state == "absent":
            continue
        if each.suppressions:
            yield "accepted by somebody"
            continue
        rule = _rule(each, driver)
        code = each.rule_id or each.rule.id or rule.id
        physical = next((e.physical_location for e in each.locations if e.physical_location), None)
        path = _path(physical.artifact_location, run, root) if physical else ""
        if not code or not path or physical is None:
            yield "without a rule" if not code else "at no file of the repository"
            continue
        yield ReportedFinding(
            tool=tool_name(driver.name),
            code=code,
            severity=SEVERITIES[each.level or rule.default_configuration.level],
            message=_message(each, rule) or code,
            path=path,
            line=physical.region.start_line,
            end_line=physical.region.end_line,
            help_uri=rule.help_uri,
            commit=next(iter(commits), ""),
            fix=tuple(_fix(each, path, run, root)),
        )


def tool_name(name: str) -> str:
    """Return the name of a tool as it is in the id of a rule: small letters, digits, dashes."""
    return NO_NAME.sub("-", name.lower()).strip("-") or "unknown"


def _rule(found: SarifFound, driver: SarifDriver) -> SarifRule:
    """Return the rule of a result, by its index or id; an empty one where the tool names none."""
    index = max(found.rule_index, found.rule.index)
    if 0 <= index < len(driver.rules):
        return driver.rules[index]
    # An id may have parts behind a slash, which the rule lacks.
    name = found.rule_id or found.rule.id
    known = {each.id: each for each in driver.rules}
    return known.get(name) or known.get(name.rpartition("/")[0]) or SarifRule()


def _message(found: SarifFound, rule: SarifRule) -> str:
    """Return the text of a result, with its arguments put in."""
    text = found.message.text
    if not text and found.message.id in rule.message_strings:
        text = rule.message_strings[found.message.id].text
    for number, each in enumerate(found.message.arguments):
        text = text.replace(f"{{{number}}}", each)
    return (text or rule.short_description.text)[:MAX_MESSAGE_CHARACTERS]


def _fix(found: SarifFound, path: str, run: SarifRun, root: str) -> list[ReportedEdit]:
    """Return the edits of the only fix of a result; none if it reaches beyond the result's file.

    Nor are fixes read that are given by offsets or put in what is no text.
    """
    changes = found.fixes[0].artifact_changes if len(found.fixes) == 1 else ()
    if len(changes) != 1 or _path(changes[0].artifact_location, run, root) != path:
        return []
    edits = [_edit(each) for each in changes[0].replacements]
    read = [each for each in edits if each is not None]
    is_small = sum(len(each.new) for each in read) <= MAX_FIX_CHARACTERS
    return read if len(read) == len(edits) and is_small else []


def _edit(replacement: SarifReplacement) -> ReportedEdit | None:
    """Return an edit; None where it is not given by lines and text.

    A region without an end column goes to the end of its line, without the line end.
    """
    region, content = replacement.deleted_region, replacement.inserted_content
    if region.start_line is None or content.binary is not None:
        return None
    return ReportedEdit(
        line=region.start_line,
        column=region.start_column,
        end_line=region.end_line or region.start_line,
        end_column=region.end_column or 0,
        new=content.text or "",
    )


def _path(artifact: SarifArtifact, run: SarifRun, root: str) -> str:
    """Return the path of a file in the repository; empty where it is none."""
    if not artifact.uri and 0 <= artifact.index < len(run.artifacts):
        artifact = run.artifacts[artifact.index].location
    base = run.original_uri_base_ids.get(artifact.uri_base_id)
    address = urlsplit(f"{base.uri if base else ''}{artifact.uri}")
    if address.scheme not in {"", "file"}:
        return ""
    path = unquote(address.path)
    if path.startswith("/"):
        above = f"{root.rstrip('/')}/"
        if not root or not path.startswith(above):
            # Some tools name every file from the root of the repository by a slash.
            return ""
        path = path.removeprefix(above)
    path = path.removeprefix("./")
    return "" if not path or path_problem(path) else path
