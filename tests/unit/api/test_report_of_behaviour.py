"""What the report and the CLI say about the behaviour of what landed."""

import io

import pytest
from rich.console import Console

from cli.report import show_report
from services.api.domain.report import WaveRecords, make_report
from shared.contracts.documents.behaviour import BehaviourEvidence
from shared.contracts.documents.enhancements import Approval
from shared.contracts.documents.proof import Proof
from tests.support.builders import COMMIT, NOW, a_target, a_wave, an_enhancement

MAY = "which exception is raised"
OPEN = ("m.py:3: a handler is in reach", "m.py:9: a handler is in reach")
SHOWN = BehaviourEvidence(may_change=MAY, conditions=("no handler is in reach",))
LAYOUT = BehaviourEvidence(may_change=MAY)
UNSHOWN = BehaviourEvidence(may_change=MAY, open=OPEN)
ALLOWED = BehaviourEvidence(may_change=MAY, open=OPEN[:1], allowed="[policy] allowed_rules")
BY_ANN = Approval(by="ann", reason="good", patch="0" * 64, base=COMMIT, at=NOW)
BY_NOBODY = BY_ANN.model_copy(update={"by": ""})
PROVEN = Proof(files=("m.py",), interpreters=("3.11.9",))
PLACES = f"may change {MAY} (m.py:3: a handler is in reach, and 1 more place)"

CASES = {
    "not checked": ({}, "", False),
    "shown": (
        {"behaviour": SHOWN},
        "keeps behaviour, as its code shows: no handler is in reach",
        False,
    ),
    "layout": (
        {"behaviour": LAYOUT},
        "keeps behaviour, as its code shows: it changes comments and layout only",
        False,
    ),
    "shown and approved": (
        {"behaviour": SHOWN, "approval": BY_ANN},
        "keeps behaviour, as its code shows: no handler is in reach",
        False,
    ),
    "open and approved": (
        {"behaviour": UNSHOWN, "approval": BY_ANN},
        f"{PLACES}; approved by ann",
        True,
    ),
    "approved by nobody known": (
        {"behaviour": UNSHOWN, "approval": BY_NOBODY},
        f"{PLACES}; approved by a person",
        True,
    ),
    "allowed": (
        {"behaviour": ALLOWED},
        f"may change {MAY} ({OPEN[0]}); allowed: [policy] allowed_rules",
        True,
    ),
    "proven": ({"behaviour": UNSHOWN, "proof": PROVEN}, PROVEN.summary, False),
}


def report(**fields):
    change = an_enhancement(state="applied", commit="d" * 40, finished_at=NOW, **fields)
    return make_report(WaveRecords(a_wave(), a_target(), (change,), (), (), ()))


@pytest.mark.parametrize(("fields", "behaviour", "may_change"), CASES.values(), ids=CASES)
def test_a_landed_change_says_what_was_shown_or_who_allowed_it(fields, behaviour, may_change):
    [landed] = report(**fields).landed
    assert (landed.behaviour, landed.may_change) == (behaviour, may_change)


@pytest.mark.parametrize(("fields", "behaviour", "may_change"), CASES.values(), ids=CASES)
def test_the_cli_marks_what_may_change_behaviour(fields, behaviour, may_change):
    console = Console(
        width=300, file=io.StringIO(), highlight=False, force_terminal=True, color_system="standard"
    )
    show_report(report(**fields), console)
    lines = [
        line for line in console.file.getvalue().splitlines() if behaviour and behaviour in line
    ]
    yellow, dim = "\x1b[33m", "\x1b[2m"
    assert [yellow in line for line in lines] == ([may_change] if behaviour else [])
    assert [dim in line for line in lines] == ([not may_change] if behaviour else [])
