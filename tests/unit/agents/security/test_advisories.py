"""Pinned versions are compared with OSV records of the target, and nothing is looked up."""

# ruff: noqa: E501  (a case is a line)

import asyncio
import json

import pytest

from services.agents.types.security.advisories import RULE, AdvisoryDetector
from services.agents.types.security.osv import OsvRecord
from tests.unit.agents.security.support import a_source


def a_record(name="Planted.Lib", events=(("introduced", "0"), ("fixed", "2.0")), **more):
    return {
        "id": "OSV-1",
        "summary": "It does too much.",
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": name},
                "ranges": [
                    {"type": "ECOSYSTEM", "events": [{kind: at} for kind, at in events]},
                ],
            }
        ],
        **more,
    }


def measured(requirements="", record=None, section=None, **files):
    content = {"osv/one.json": json.dumps(record or a_record()), **files}
    if requirements:
        content["requirements.txt"] = requirements
    section = {"advisories": "osv"} if section is None else section
    source = a_source("x = 1\n", section=section, **content)
    return asyncio.run(AdvisoryDetector().measure(source)).findings


def test_a_pinned_version_with_a_known_vulnerability_is_found_with_its_lowest_fix():
    [found] = measured("# ours\nother==1\nplanted_lib[x]==1.5  # old\n")
    assert (found.rule, found.path, found.line) == (RULE, "requirements.txt", 3)
    assert found.message == (
        "planted-lib 1.5 has OSV-1 (It does too much.); 2.0 is the lowest version without it"
    )
    assert found.fixable == "no"


@pytest.mark.parametrize(
    "requirements",
    [
        "planted-lib==2.0\n",
        "planted-lib>=1\n",
        "planted-lib==1.*\n",
        "planted==1\n",
        "-r a.txt\n",
        "%\n",
    ],
)
def test_what_is_not_affected_or_not_pinned_is_not(requirements):
    assert measured(requirements) == ()


def test_without_a_folder_of_records_nothing_is_said():
    assert measured("planted-lib==1.5\n", section={}) == ()


def test_a_locked_version_counts_as_well():
    lock = '[[package]]\nname = "other"\nversion = "1"\n\n[[package]]\nname = "planted-lib"\nversion = "1.5"\n'
    [found] = measured(**{"poetry.lock": lock})
    assert (found.path, found.line) == ("poetry.lock", 6)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"affected": 5, "planted-lib": 1}',
        '{"affected": [5, {"package": 1, "n": "planted-lib"}]}',
    ],
)
def test_a_file_that_is_no_record_says_nothing(content):
    assert measured("planted-lib==1.5\n", **{"osv/one.json": content}) == ()


@pytest.mark.parametrize(
    ("events", "version", "fixed"),
    [
        ([("introduced", "0")], "5", ""),
        ([("introduced", "1.2")], "1.1", None),
        (
            [("introduced", "1.2"), ("fixed", "1.4"), ("introduced", "2"), ("fixed", "2.1")],
            "1.5",
            None,
        ),
        (
            [("introduced", "1.2"), ("fixed", "1.4"), ("introduced", "2"), ("fixed", "2.1")],
            "2.0.5",
            "2.1",
        ),
        ([("fixed", "2.1"), ("introduced", "0")], "1.0rc1", "2.1"),
        ([("introduced", "0"), ("last_affected", "1.5")], "1.5", ""),
        ([("introduced", "0"), ("last_affected", "1.5")], "1.5.1", None),
        ([("introduced", "0"), ("fixed", "2.1")], "not a version", None),
    ],
)
def test_ranges_are_read_as_osv_defines_them(events, version, fixed):
    found = OsvRecord(a_record("x", events)).of("x", version)
    assert (found and found.fixed) == fixed


def test_records_that_were_withdrawn_or_are_of_another_ecosystem_do_not_count():
    assert OsvRecord(a_record("x", withdrawn="2026-01-01T00:00:00Z")).of("x", "1") is None
    record = a_record("x")
    record["affected"][0]["package"]["ecosystem"] = "npm"
    assert OsvRecord(record).of("x", "1") is None
