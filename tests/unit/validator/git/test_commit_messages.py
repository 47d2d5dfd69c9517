"""What a landed change says about itself, and how it is found by it."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.validator.git.domain.commits import (
    ENHANCEMENT_TRAILER,
    REVERT_TRAILER,
    landing_message,
    rollback_message,
    trailers,
)
from shared.contracts.documents.findings import Prediction
from tests.support.builders import COMMIT, an_enhancement

words = st.lists(
    st.sampled_from(
        ["Enhancement-Id: x", "fix", "(a)", "\n\n", "\n", "\n  ", "é", "Wave-Id: y", "long" * 30]
    ),
    max_size=12,
).map(" ".join)
EVIDENCE = ("12 tests ran on the tree that landed; none is worse.",)


@given(words, words)
def test_its_trailers_are_its_own_whatever_the_words_say(title, rationale):
    change = an_enhancement(title=title or "t", rationale=rationale)
    found = trailers(landing_message(change, [rationale, *EVIDENCE]))
    assert found[ENHANCEMENT_TRAILER] == change.id
    assert found["Wave-Id"] == change.wave_id
    assert REVERT_TRAILER not in found


@given(words, words)
def test_a_rollbacks_trailers_name_what_it_takes_off(title, reason):
    change = an_enhancement(title=title or "t", commit=COMMIT)
    found = trailers(rollback_message(change, reason))
    assert found[REVERT_TRAILER] == change.id
    assert ENHANCEMENT_TRAILER not in found


@given(words)
def test_a_subject_is_one_line_of_72_characters_and_a_blank_one_follows(title):
    change = an_enhancement(title=f"refactor(m): {title}", commit=COMMIT)
    for said in (landing_message(change, EVIDENCE), rollback_message(change, "r")):
        subject, _, rest = said.partition("\n")
        assert 0 < len(subject) <= 72
        assert rest.startswith("\n")


def test_a_title_is_said_once_where_its_subject_lost_only_the_rule():
    words = "refactor(boltons): use literals in place of dict(), list() and tuple()"
    said = landing_message(an_enhancement(title=f"{words} (C408)", rationale="By C408."), EVIDENCE)
    assert said.startswith(f"{words}\n\nBy C408.\n")
    longer = f"refactor(boltons): {'say what ' * 8}(C408)"
    said = landing_message(an_enhancement(title=longer, rationale="Why."), EVIDENCE)
    assert " ".join(said.split()).count(" ".join(longer.split())) == 1


def test_a_list_keeps_its_lines_and_is_cut():
    items = "".join(f"\n  - connection 'Node {n}' output 0 → 'Other' input 0" for n in range(20))
    rationale = f"Why.\n\nw.json, workflow 'W':{items}\nv.json, workflow 'V':\n  - pinData removed"
    said = landing_message(an_enhancement(rationale=rationale), EVIDENCE)
    assert (
        "\n\nWhy.\n\n  w.json, workflow 'W':\n    - connection 'Node 0' output 0 → 'Other'" in said
    )
    assert "'Node 11'" in said
    assert "'Node 12'" not in said
    assert "\n    … and 9 more\n" in said
    assert "v.json" not in said
    assert all(len(line) <= 76 for line in said.splitlines())


def test_git_reads_the_same_trailers():
    change = an_enhancement(prediction=Prediction(metric="x", direction="up", size=1, confidence=1))
    said = landing_message(change, EVIDENCE)
    done = subprocess.run(
        ["git", "interpret-trailers", "--parse"],
        input=said.encode(),
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().splitlines() == [f"{k}: {v}" for k, v in trailers(said).items()]


def test_the_place_at_the_end_of_a_long_title_goes_first():
    title = f"refactor(m): {'x' * 50} (F401, B007)"
    said = landing_message(an_enhancement(title=title), EVIDENCE)
    assert said.startswith(f"refactor(m): {'x' * 50}\n\n")
    assert "(F401, B007)" in said, "the whole title is in the body"


def test_it_says_what_was_predicted_and_how_sure_we_were():
    said = Prediction(metric="findings.F401", direction="down", size=3.0, confidence=0.95)
    message = landing_message(an_enhancement(prediction=said), EVIDENCE)
    assert "Predicted: findings.F401 down by 3 (confidence 95%)." in message
    assert "Predicted" not in landing_message(an_enhancement(), EVIDENCE)


def test_why_and_on_what_evidence_are_paragraphs():
    message = landing_message(an_enhancement(rationale="Because."), EVIDENCE)
    assert message.split("\n\n")[1:3] == ["Because.", EVIDENCE[0]]


def test_a_rollback_says_what_it_takes_off_and_why():
    change = an_enhancement(title="fix(m): a thing", commit=COMMIT)
    message = rollback_message(change, " it broke production. ")
    assert message.startswith("revert: fix(m): a thing\n\n")
    assert f"This rolls back {COMMIT}: it broke" in message.replace("\n", " ")
    assert "production.\n" in message


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("s\n\nEnhancement-Id: a\n", {"Enhancement-Id": "a"}),
        ("s\n\nEnhancement-Id: a\n\nbody\n", {}),
        ("s\n\nbody\n\nEnhancement-Id: a\nWave-Id: b", {"Enhancement-Id": "a", "Wave-Id": "b"}),
        ("s\n\n Enhancement-Id: a\n", {}),
        ("s\n\nEnhancement-Id a\n", {}),
        ("", {}),
    ],
)
def test_only_the_last_paragraph_has_trailers(message, expected):
    assert trailers(message) == expected


def test_an_id_in_the_evidence_stays_whole_wherever_it_stands():
    run = "0198aaaa-bbbb-7ccc-8ddd-eeeeffff0000"
    for width in range(60):
        evidence = f"{'x' * width} tests ran on the tree that landed (run {run})."
        assert run in landing_message(an_enhancement(), [evidence])


def test_a_list_in_the_rationale_keeps_its_lines_and_none_is_a_trailer():
    graph = (
        "flows/a.json, workflow 'X':\n  ~ node 'Sum': type changed\nWave-Id: z\n\n  - node 'Old'"
    )
    said = landing_message(an_enhancement(rationale=f"Why it\nis so.\n\n{graph}"), EVIDENCE)
    body = said.partition("\n\n")[2]
    assert body.startswith(
        "Why it is so.\n\n"
        "  flows/a.json, workflow 'X':\n    ~ node 'Sum': type changed\n  Wave-Id: z\n\n"
        "    - node 'Old'\n\n"
    )
    done = subprocess.run(
        ["git", "interpret-trailers", "--parse"],
        input=said.encode(),
        capture_output=True,
        check=True,
    )
    assert b"z" not in done.stdout.splitlines()
    assert trailers(said)["Wave-Id"] != "z"
