"""SARIF in and out: what is written is valid by the schema of OASIS, and read as it was."""

import json
from pathlib import Path

import jsonschema
import pytest

from shared.contracts.base import Severity
from shared.detectors.sarif import read_sarif, write_sarif
from shared.kernel.errors import Rejected
from tests.support.builders import a_finding

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "data/sarif/sarif-schema-2.1.0.json").read_text("utf-8")
)


def a_log(*results, rules=(), **run):
    driver = {"name": "My Tool", "rules": list(rules)}
    return {
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": list(results), **run}],
    }


def a_result(path="m/a.py", line=3, **fields):
    place = {"artifactLocation": {"uri": path}, "region": {"startLine": line}}
    return {
        "ruleId": "R1",
        "message": {"text": "It is wrong."},
        "locations": [{"physicalLocation": place}],
        **fields,
    }


def read(log, root=""):
    return read_sarif(json.dumps(log).encode(), root)


FINDINGS = [
    a_finding("E711", path="m/a b.py", line=2, severity=Severity.ERROR),
    a_finding("F401", path="m/é.py", line=7, severity=Severity.NOTE),
    a_finding("V103", path="m/a.py", line=1).model_copy(
        update={"tool": "vulture", "rule": "vulture:V103", "end_line": 4, "help_uri": "https://x/"}
    ),
]


@pytest.mark.parametrize("findings", [[], FINDINGS])
@pytest.mark.parametrize("location", ["", "/srv/shop", "https://git.example/shop.git"])
def test_what_is_written_is_valid_by_the_schema(findings, location):
    log = write_sarif(findings, commit="c" * 40, location=location)
    jsonschema.Draft4Validator(SCHEMA).validate(log)


def test_a_log_that_is_not_valid_by_the_schema_would_be_noticed():
    log = write_sarif(FINDINGS)
    log["runs"][0]["results"][0]["level"] = "bad"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(SCHEMA).validate(log)


def test_what_is_written_is_read_as_it_was():
    results, notes = read(write_sarif(FINDINGS, commit="c" * 40, location="https://git.example/x"))
    assert notes == []
    assert {(e.tool, e.code, e.severity, e.path, e.line, e.end_line) for e in results} == {
        (e.tool, e.code, e.severity, e.path, e.line, e.end_line) for e in FINDINGS
    }
    assert {each.commit for each in results} == {"c" * 40}


def test_a_result_is_read_with_what_its_rule_says():
    rule = {
        "id": "R1",
        "helpUri": "https://docs.example/R1",
        "defaultConfiguration": {"level": "error"},
        "messageStrings": {"default": {"text": "Use {1} for {0}."}},
    }
    message = {"id": "default", "arguments": ["a", "b"]}
    [each], _ = read(a_log(a_result(message=message), rules=[rule]))
    assert (each.tool, each.code, each.severity) == ("my-tool", "R1", Severity.ERROR)
    assert (each.message, each.help_uri) == ("Use b for a.", "https://docs.example/R1")


@pytest.mark.parametrize(
    ("path", "root", "expected"),
    [
        ("m/a.py", "", "m/a.py"),
        ("./m/a%20b.py", "", "m/a b.py"),
        ("file:///srv/shop/m/a.py", "/srv/shop", "m/a.py"),
        ("/srv/shop/m/a.py", "/srv/shop/", "m/a.py"),
    ],
)
def test_paths_are_those_of_the_repository(path, root, expected):
    [each], _ = read(a_log(a_result(path)), root)
    assert each.path == expected


@pytest.mark.parametrize(
    "path",
    ["../a.py", "/etc/passwd", "file:///etc/passwd", "https://x/a.py", "", ".git/config", "a/../b"],
)
def test_what_is_at_no_file_of_the_repository_is_left_out_and_that_is_said(path):
    results, [note] = read(a_log(a_result(path)), "/srv/shop")
    assert results == []
    assert note == "1 result is left out: at no file of the repository."


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "pass"},
        {"baselineState": "absent"},
        {"suppressions": [{"kind": "inSource"}]},
        {"ruleId": ""},
        {"locations": None},
    ],
)
def test_what_is_no_finding_is_left_out(fields):
    assert read(a_log(a_result(**fields)))[0] == []


def test_the_path_may_be_given_by_base_or_index():
    place = {"artifactLocation": {"index": 0}}
    log = a_log(
        a_result(locations=[{"physicalLocation": place}]),
        artifacts=[{"location": {"uri": "a.py", "uriBaseId": "ROOT"}}],
        originalUriBaseIds={"ROOT": {"uri": "m/"}},
    )
    [each], _ = read(log)
    assert (each.path, each.line) == ("m/a.py", 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html>", "no SARIF"),
        (b"[]", "no SARIF"),
        (b'{"version": "2.0.0", "runs": []}', "version"),
        (b'{"version": "2.1.0"}', "runs"),
        (b'{"version": "2.1.0", "runs": [{}]}', "runs.0.tool"),
        (b"[" * 200_000, "no SARIF"),
        (b"\xff\xfe", "no SARIF"),
    ],
)
def test_what_is_no_log_gets_a_clear_error(content, said):
    with pytest.raises(Rejected, match=said):
        read_sarif(content)


def test_a_byte_order_mark_and_unknown_fields_do_not_matter():
    log = a_log(a_result(extra={"a": 1}), conversion={"tool": {}})
    results, _ = read_sarif(b"\xef\xbb\xbf" + json.dumps(log).encode())
    assert len(results) == 1
