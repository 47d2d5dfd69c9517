"""Edits on text, health."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.agents.domain.proposals import propose
from shared.agent_types import FixerDeclaration, finding_density
from shared.agent_types.changes import MAX_READABLE_LINES
from shared.contracts.base import Severity
from shared.detectors.texts import Edit, apply_fixes, split_lines
from tests.support.builders import a_finding


def test_edits_count_characters_not_bytes():
    text = "é = 'x'\nb = 2\n"
    edit = Edit((1, 5), (1, 8), "'ü'")
    assert apply_fixes(text, [(edit,)]) == ("é = 'ü'\nb = 2\n", (0,))


def test_fixes_that_touch_each_other_are_not_both_applied():
    one = (Edit((1, 1), (1, 3), "AB"),)
    other = (Edit((1, 2), (1, 4), "CD"),)
    apart = (Edit((1, 5), (1, 6), "E"),)
    assert apply_fixes("abcdef", [one, other, apart]) == ("ABcdEf", (0, 2))


def test_a_fix_is_applied_whole_or_not_at_all():
    one = (Edit((1, 1), (1, 2), "X"),)
    both = (Edit((1, 1), (1, 2), "Y"), Edit((2, 1), (2, 2), "Z"))
    assert apply_fixes("ab\ncd\n", [one, both]) == ("Xb\ncd\n", (0,))


@given(st.text(alphabet="ab\n\r\x0c\u2028é", max_size=60))
def test_lines_put_together_are_the_text(text):
    assert "".join(split_lines(text)) == text


@pytest.mark.parametrize(("warnings", "expected"), [(0, 100.0), (10, 50.0), (90, 10.0)])
def test_the_score_halves_with_twenty_weighted_findings_in_a_thousand_lines(warnings, expected):
    found = [a_finding(severity=Severity.WARNING)] * warnings
    assert finding_density(found, 1000).score == expected


def test_metrics_weigh_by_severity():
    found = [a_finding("E711", severity=Severity.ERROR), a_finding("UP004", severity=Severity.NOTE)]
    measured = finding_density(found, 1000).metrics
    assert measured["density"] == 6.0
    assert measured["findings.ruff:E711"] == 1.0
    assert measured["findings"] == 2.0


def test_what_is_too_much_to_read_is_split_by_files():
    old = "".join(f"a{n}\n" for n in range(MAX_READABLE_LINES))
    changes = {f"{name}.py": (old, old.replace("a", "b")) for name in "xyz"}
    found = [a_finding(path=path) for path in changes]
    declared = FixerDeclaration("ruff:F401", "remove unused imports", Severity.WARNING)
    parts = propose("F401", "m", declared, found, changes, safe=True, why="")
    assert [each.key for each in parts] == ["F401/1", "F401/2", "F401/3"]
    assert [set(each.changes) for each in parts] == [{"x.py"}, {"y.py"}, {"z.py"}]
    assert [len(each.findings) for each in parts] == [1, 1, 1]


def test_a_message_says_what_its_detector_says_of_the_places():
    changes = {"x.py": ("a", "b")}
    found = [a_finding(path="x.py", message="It closes a cycle with shop.mail.")] * 2
    said = []
    for quoted in (True, False):
        declared = FixerDeclaration("imports:x", "defer it", Severity.WARNING, quoted=quoted)
        (made,) = propose("x", "m", declared, found, changes, safe=True, why="Why.")
        said.append(made.rationale.count("It closes a cycle with shop.mail."))
    assert said == [1, 0]
