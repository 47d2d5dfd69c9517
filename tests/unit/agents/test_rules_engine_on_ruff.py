"""The rules engine with the real ruff: stacked, to a fixpoint, and careful."""

import ast
import asyncio

import pygit2
import pytest

from shared.agent_types.changes import changed_lines
from shared.detectors.ports import Source
from shared.kernel.errors import Rejected
from shared.targets.profile import profile_target
from shared.targets.tree import GitTree
from tests.support.agents import proposals_of, served_type
from tests.support.repositories import a_repository, commit

MESSY = """import os
import sys
from typing import *


class A(object):
    def f(self, x):
        if x == None:
            return 1
        else:
            y = "%s" % x
            return "{}".format(x)

    def g(self, items=[]):
        try:
            z = 1
        except Exception as error:
            pass
        for i in range(0, 10):
            print( f"nothing" )
        return sorted(list(items))[0]
"""


@pytest.fixture
def look(tmp_path):
    """Writes files as a repository (again), and gives its source."""
    count = iter(range(100))

    def make(**files):
        place = a_repository(tmp_path / f"r{next(count)}", **files)
        return source_of(place)

    return make


def source_of(place):
    repository = pygit2.Repository(str(place))
    tree = GitTree(repository, repository.head.peel(pygit2.Commit).tree_id)
    return Source(tree, profile_target(tree))


@pytest.fixture
def propose(tmp_path):
    def run(source, component="m", exclude=(), paths=()):
        engine = served_type(tmp_path / "scratch").engine
        return asyncio.run(proposals_of(engine, source, component, exclude, paths))

    return run


@pytest.fixture
def detect(tmp_path):
    def run(source):
        ruff = served_type(tmp_path / "scratch").detectors[0]
        return asyncio.run(ruff.measure(source)).findings

    return run


def result(proposals, path="m.py"):
    return [each.changes[path] for each in proposals if path in each.changes][-1][1]


def test_each_proposal_stands_on_those_before_it(look, propose):
    proposals = propose(look(m_py=MESSY))
    assert len(proposals) > 5
    text = MESSY
    for each in proposals:
        before, after = each.changes["m.py"]
        assert before == text
        assert after != before
        ast.parse(after)
        text = after


def test_a_run_on_its_own_result_proposes_nothing(look, propose):
    once = result(propose(look(m_py=MESSY)))
    assert propose(look(m_py=once)) == []


def test_one_proposal_per_rule_and_safety_safe_ones_first(look, propose):
    proposals = propose(look(m_py=MESSY))
    first = [each for each in proposals if "#" not in each.key]
    assert len({each.key for each in proposals}) == len(proposals)
    safety = [each.safe for each in first]
    assert safety == sorted(safety, reverse=True)
    assert True in safety
    assert False in safety
    assert all(each.prior == (0.95 if each.safe else 0.7) for each in proposals)


def test_a_proposal_says_what_why_and_what_it_predicts(look, propose):
    each = propose(look(m_py="import os\n\nx = 1\n"))[0]
    assert each.title == "refactor(m): remove unused imports (F401)"
    assert "unused" in each.rationale.lower()
    assert each.prediction.metric == "findings.ruff:F401"
    assert each.prediction.size == len(each.findings) == 1
    assert changed_lines(*each.changes["m.py"]) == (0, 2), "no blank line is left at the top"


def test_unsafe_fixes_can_be_turned_off(look, propose):
    config = "[policy]\nunsafe_fixes = false\n"
    proposals = propose(look(m_py=MESSY, groundswell_toml=config))
    assert proposals
    assert all(each.safe for each in proposals)


def test_what_is_foreclosed_is_left_alone(look, propose, detect):
    source = look(m_py="import os\nimport sys\n\nx = 1\n")
    os_import = next(each for each in detect(source) if "`os`" in each.message)
    proposals = propose(source, exclude=[os_import.fingerprint])
    assert result(proposals) == "import os\n\nx = 1\n"
    assert propose(source, exclude=[each.fingerprint for each in detect(source)]) == []


def test_a_fingerprint_survives_a_move_and_tells_equals_apart(look, detect):
    line = "if x == None:\n    pass\n"
    here = [
        each.fingerprint
        for each in detect(look(m_py=f"x = 1\n{line}{line}"))
        if each.code == "E711"
    ]
    there = [
        each.fingerprint
        for each in detect(look(m_py=f"x = 1\n\n\n# moved\n{line}{line}"))
        if each.code == "E711"
    ]
    assert len(set(here)) == 2
    assert here == there


def test_fixing_one_of_two_equal_lines_leaves_the_other_its_fingerprint(look, detect):
    """So what was refused in one function is not taken for what was refused in another one."""
    first = "def f(\n    x,\n):\n    if x == None:\n        g()\n\n\n"
    second = "class A:\n    def f(self, x):\n        if x == None:\n            g()\n"
    before, after = (
        [each.fingerprint for each in detect(look(m_py=text)) if each.code == "E711"]
        for text in (first + second, first.replace("x == None", "x is None") + second)
    )
    assert len(before) == 2
    assert after == before[1:]


def test_what_a_package_imports_it_exports(look, propose, detect):
    source = look(**{"p/__init__.py": "import os\n", "p/m.py": "import sys\n"})
    assert {each.path for each in propose(source, "p")[0].findings} == {"p/m.py"}
    mine = next(each for each in detect(source) if each.path == "p/__init__.py")
    assert mine.fixable == "no"


def test_tests_and_other_components_are_left_alone(look, propose, detect):
    source = look(m_py="import os\n", n_py="import os\n", tests__test_m_py="import os\n")
    assert {each.path for each in detect(source)} == {"m.py", "n.py"}
    assert {path for each in propose(source) for path in each.changes} == {"m.py"}


def test_of_a_component_in_parts_only_the_part_under_the_lease_is_changed(look, propose):
    files = {f"p/{name}.py": "import os\n" for name in ("__init__", "a", "b", "c")}
    found = propose(look(**files), "p", paths=("/p/a.py", "/p/c.py"))
    assert {path for each in found for path in each.changes} == {"p/a.py", "p/c.py"}


def test_the_targets_own_wishes_are_kept(look, propose):
    ruff = "[tool.ruff.lint]\nignore = ['F401']\nunfixable = ['UP004']\n"
    code = "import os\n\n\nclass A(object):\n    x = set([1])\n"
    rules = {
        each.rule.removeprefix("ruff:") for each in propose(look(m_py=code, pyproject_toml=ruff))
    }
    assert rules == {"C405"}


def test_rules_are_chosen_by_the_beginnings_of_their_codes(look, propose):
    choose = "[agents.code_quality]\nselect = ['UP', 'F']\nignore = ['UP004']\n"
    rules = {
        each.rule.removeprefix("ruff:")
        for each in propose(look(m_py=MESSY, groundswell_toml=choose))
    }
    assert rules
    assert all(each.startswith(("UP", "F")) for each in rules)
    assert "UP004" not in rules


def test_a_choice_that_names_no_rule_is_refused(look, propose):
    with pytest.raises(Rejected, match="XYZ names no rule"):
        propose(look(m_py=MESSY, groundswell_toml="[agents.code_quality]\nselect = ['XYZ']\n"))


def test_lines_that_did_not_change_stay_byte_for_byte(look, propose):
    ugly = "x = {  'a':1 }\nimport os\n\n\ndef  f( a,b ):\n    return   set([a,b])\n"
    text = result(propose(look(m_py=ugly)))
    assert text.startswith("x = {  'a':1 }\n")
    assert "def  f( a,b ):\n" in text
    assert text.endswith("    return   {a,b}\n"), (
        "nor is the spacing of the changed line another one"
    )


def test_line_ends_and_a_missing_last_one_survive(look, propose, tmp_path):
    place = a_repository(tmp_path / "crlf")
    (place / "m.py").write_bytes(b"import os\r\n\r\nx = 1\r\ny = 'a\x0cb'")
    commit(place, {})
    assert result(propose(source_of(place))) == "x = 1\r\ny = 'a\x0cb'"


def test_two_fixes_that_would_empty_a_block_leave_valid_code(look, propose):
    code = "import sys\n\nif sys.argv:\n    import os\n    import re\n"
    ast.parse(result(propose(look(m_py=code))))


def test_code_that_does_not_parse_is_left_alone(look, propose, detect):
    source = look(m_py="import os\ndef f(:\n")
    assert propose(source) == []
    assert {each.code for each in detect(source)} == {"invalid-syntax"}


DEEP = {
    "unary.py": "x = " + "-" * 20_000 + "1\n",
    "attributes.py": "x = a" + ".b" * 20_000 + "\n",
    "total.py": "x = " + "1+" * 20_000 + "1\n",
    "negated.py": "x = " + "not " * 20_000 + "1\n",
}


def test_sources_that_ruff_cannot_bear_are_left_out_and_the_rest_is_mended(look, propose, detect):
    files = {name.replace(".", "_"): f"import os\n\n{text}" for name, text in DEEP.items()}
    source = look(m_py="import os\n\nx = 1\n", n_py="import re\n\ny = 1\n", **files)
    assert {each.path for each in detect(source)} == {"m.py", "n.py"}
    assert result(propose(source)) == "\nx = 1\n" or result(propose(source)) == "x = 1\n"


def test_a_source_that_ruff_cannot_bear_alone_is_no_failure(look, propose, detect):
    for name, text in DEEP.items():
        source = look(**{name.replace(".", "_"): text})
        assert detect(source) == ()
        assert propose(source, component=name.removesuffix(".py")) == []


PROMISE = """def has_big(numbers):
    for each in numbers:
        # 3 is a promise to the customers
        if each > 3:
            return True
    return False
"""


def test_a_fix_that_would_drop_a_comment_is_not_offered(look, propose, detect):
    source = look(m_py=PROMISE)
    assert {each.code: each.fixable for each in detect(source)} == {"SIM110": "no"}
    assert propose(source) == []
    rest = look(m_py=PROMISE.replace("        # 3 is a promise to the customers\n", ""))
    assert [each.rule for each in propose(rest)] == ["ruff:SIM110"]


def test_what_is_left_alone_has_no_findings_and_is_named_in_a_note(look, propose, detect, tmp_path):
    generated = "# Generated by a tool. DO NOT EDIT.\nimport os\n"
    files = {"p/_vendor/a.py": "import os\n", "p/m.py": "import os\n", "p/g.py": generated}
    source = look(**{"p/__init__.py": "", **files})
    assert {each.path for each in detect(source)} == {"p/m.py"}
    assert {path for each in propose(source, "p") for path in each.changes} == {"p/m.py"}
    measured = asyncio.run(served_type(tmp_path / "s").detectors[0].measure(source))
    assert measured.notes == (
        "Left alone as generated: p/g.py.",
        "Left alone as vendored: p/_vendor/a.py.",
    )


OLD_IDIOM = """# -*- coding: utf-8 -*-
import contextlib


class A(object):
    def f(self, x):
        super(A, self).f(u"x")
        try:
            x.pop()
        except ValueError:
            pass
        return "%s" % x


def g(x):
    if x == None:
        return "{}".format(x)
    for y in x:
        yield y
"""


IDIOM_OF_3 = {"UP004", "UP008", "UP009", "UP025"}


@pytest.mark.parametrize(
    ("requires", "expected"),
    [
        (">=2.7, !=3.0.*", {"F401", "E711", "UP031"}),
        (">=3.2", {"F401", "E711", "UP031", *IDIOM_OF_3}),
        (">=3.9", {"F401", "E711", "UP031", *IDIOM_OF_3, "UP028", "UP032", "SIM105"}),
    ],
)
def test_nothing_newer_than_the_targets_oldest_python_is_looked_for(
    look, detect, requires, expected
):
    project = f"[project]\nname = 'm'\nrequires-python = '{requires}'\n"
    found = {each.code for each in detect(look(m_py=OLD_IDIOM, pyproject_toml=project))}
    assert found == expected
