"""Titles say what a change is about, so that no two commits of a target are called the same."""

from dataclasses import replace

import pytest

from services.agents.domain.titles import naming_their_file, with_unique_titles
from shared.agent_types import Proposal, agent_specs
from shared.contracts.base import EngineName

MAX_COLUMNS, COLUMNS_OF_A_SCOPE = 72, 14
SOURCE = """class LRI:
    def get(self):
        return 1

    def put(self):
        return 2


def chunked():
    return 3
"""


def a_proposal(title):
    return Proposal(
        key=title, rule="ruff:F401", engine=EngineName.RULES, title=title, rationale="", changes={}
    )


def changing(title, *paths, made=("", "")):
    return replace(a_proposal(title), changes=dict.fromkeys(paths, made))


def titles(*proposals, taken=()):
    return [each.title for each in with_unique_titles(proposals, taken)]


TITLE = "refactor(boltons): drop else after return (RET505)"


def test_parts_of_one_rule_name_the_modules_that_they_change():
    assert titles(
        changing(TITLE, "boltons/cacheutils.py"),
        changing(TITLE, "boltons/strutils.py", "boltons/tableutils.py"),
        changing("refactor(boltons): y (F841)", "boltons/cacheutils.py"),
        changing(TITLE, *(f"boltons/{name}utils.py" for name in ("url", "tb", "socket", "time"))),
    ) == [
        "refactor(boltons.cacheutils): drop else after return (RET505)",
        "refactor(boltons): drop else after return in strutils and tableutils (RET505)",
        "refactor(boltons): y (F841)",
        "refactor(boltons): drop else after return in socketutils and 3 more (RET505)",
    ]


def test_a_title_that_another_change_has_names_the_module_and_then_the_functions():
    made = (SOURCE, SOURCE.replace("return 2", "return 4").replace("return 3", "return 5"))
    again = changing(TITLE, "boltons/cacheutils.py", made=made)
    named = titles(again, taken=[TITLE])
    assert named == ["refactor(boltons.cacheutils): drop else after return (RET505)"]
    placed = titles(again, taken=[TITLE, *named])
    assert placed == ["refactor(boltons): drop else after return in cacheutils (RET505)"]
    assert titles(again, taken=[TITLE, *named, *placed]) == [
        "refactor(boltons): drop else after return in LRI.put and chunked (RET505)"
    ]


def test_a_file_with_a_long_name_is_named_as_far_as_there_is_room():
    title = "refactor(workflows): drop connections from missing nodes (missing-source)"
    paths = [f"workflows/{n}_Splitout_Summarize_Automation_Triggered.json" for n in (1790, 1791)]
    assert titles(*(changing(title, each) for each in paths)) == [
        "refactor(workflows): drop connections from missing nodes in 1790_Splito… (missing-source)",
        "refactor(workflows): drop connections from missing nodes in 1791_Splito… (missing-source)",
    ]


def test_titles_that_nothing_else_tells_apart_are_numbered():
    proposals = [a_proposal(TITLE), a_proposal(TITLE), a_proposal("open the cycle")]
    assert titles(*proposals, taken=["open the cycle"]) == [
        TITLE,
        "refactor(boltons): drop else after return (RET505, part 2)",
        "open the cycle (part 2)",
    ]


def test_a_subject_has_room_for_the_name_of_a_component():
    for spec in agent_specs().values():
        for each in (fixer.declaration for fixer in spec.fixers):
            subject = f"{each.commit_type}({'x' * COLUMNS_OF_A_SCOPE}): {each.phrase}"
            assert len(subject) <= MAX_COLUMNS, subject


@pytest.mark.parametrize(
    ("title", "paths", "named"),
    [
        (
            "refactor(boltons): x (F401)",
            ["boltons/iterutils.py"],
            "refactor(boltons.iterutils): x (F401)",
        ),
        ("refactor(boltons): x (F401)", ["boltons/__init__.py"], "refactor(boltons): x (F401)"),
        (
            "refactor(boltons): x (F401)",
            ["boltons/a.py", "boltons/b.py"],
            "refactor(boltons): x (F401)",
        ),
        ("refactor(app): x (F401)", ["app.py"], "refactor(app): x (F401)"),
        (f"refactor(m): {'x' * 55} (F401)", ["m/longer.py"], f"refactor(m): {'x' * 55} (F401)"),
        ("open the import cycle", ["boltons/a.py"], "open the import cycle"),
    ],
)
def test_what_an_agent_of_a_part_proposes_names_its_file(title, paths, named):
    proposal = replace(a_proposal(title), changes=dict.fromkeys(paths, ("", "")))
    assert [each.title for each in naming_their_file([proposal])] == [named]
