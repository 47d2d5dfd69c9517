"""Writing findings as a SARIF 2.1.0 log."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any
from urllib.parse import quote

from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
VERSION = "2.1.0"
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
FINGERPRINT = "groundswell/v1"
ROOT = "SRCROOT"


def write_sarif(findings: Sequence[Finding], *, commit: str = "", location: str = "") -> Any:
    """Return a log with one run for each tool, as data for JSON.

    `commit` is the one that the findings were measured on, `location` the repository's address.
    """
    ordered = sorted(findings, key=lambda each: (each.tool, each.path, each.line, each.rule))
    runs = [
        _run(tool, list(mine), commit, location)
        for tool, mine in groupby(ordered, lambda each: each.tool)
    ]
    return {"$schema": SCHEMA, "version": VERSION, "runs": runs}


def _run(tool: str, findings: Sequence[Finding], commit: str, location: str) -> Any:
    """Return the run of one tool."""
    codes = sorted({each.code for each in findings})
    run: dict[str, Any] = {
        "tool": {"driver": {"name": tool, "rules": list(_rules(codes, findings))}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(each, codes.index(each.code)) for each in findings],
    }
    if commit and "://" in location:
        run["versionControlProvenance"] = [{"repositoryUri": location, "revisionId": commit}]
    elif commit:
        run["properties"] = {"commit": commit}
    return run


def _rules(codes: Sequence[str], findings: Sequence[Finding]) -> Iterator[Any]:
    """Yield the rules of a run, with their help where it is known."""
    help_uris = {each.code: each.help_uri for each in findings if each.help_uri}
    for code in codes:
        yield {"id": code, **({"helpUri": help_uris[code]} if code in help_uris else {})}


def _result(found: Finding, rule_index: int) -> Any:
    """Return one result."""
    region: dict[str, int] = {"startLine": max(found.line, 1)}
    if found.end_line is not None and found.end_line >= region["startLine"]:
        region["endLine"] = found.end_line
    return {
        "ruleId": found.code,
        "ruleIndex": rule_index,
        "level": LEVELS[found.severity],
        "message": {"text": found.message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(found.path), "uriBaseId": ROOT},
                    "region": region,
                }
            }
        ],
        "partialFingerprints": {FINGERPRINT: found.fingerprint},
        "properties": {
            "component": found.component,
            "agentType": found.agent_type,
            "fixable": found.fixable,
        },
    }
