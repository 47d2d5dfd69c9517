"""Every planted problem in JavaScript and TypeScript is found and fixed, no look-alike touched.

`problems/<rule>_<what>.before` is a source, and `.after` what it has to become; a problem without
`.after` is a finding only. `look_alikes/<rule>_<what>.same` has no finding of that rule. What is
between the name and the last suffix is the language's, `.js` if there is none.
"""

import asyncio
import re
from pathlib import Path

import pytest

from services.agents.engines.rules import RulesEngine
from services.agents.types.code_quality.javascript import (
    CODES,
    javascript_detector,
    javascript_fixers,
)
from services.agents.types.code_quality.javascript.table import read_table
from shared.agent_types import Priors
from shared.detectors.ports import DetectorResources
from tests.support.agents import proposals_of
from tests.unit.agents.code_quality.support import a_source, fixed

PAGE = Path(__file__).parents[4] / "docs" / "javascript.md"
PLANTED = Path(__file__).parents[3] / "data" / "planted" / "code_quality"
PROBLEMS = sorted((PLANTED / "problems").glob("*.before"))
FIXERS = javascript_fixers(Priors())
LOOK_ALIKES = sorted((PLANTED / "look_alikes").glob("*.same"))


def read(path):
    return path.read_bytes().decode()


def rule_of(path):
    return path.name.partition("_")[0]


def name_of(path):
    return f"src/{path.stem}" if Path(path.stem).suffix else f"src/{path.stem}.js"


def a_package(paths):
    return {"package.json": '{"name": "m"}', **{name_of(each): read(each) for each in paths}}


def codes_in(folder, files, section=None):
    detector = javascript_detector(DetectorResources(folder))
    found = asyncio.run(detector.measure(a_source(files, section))).findings
    return [each.code for each in found]


def proposals(folder, source):
    detector = javascript_detector(DetectorResources(folder))
    engine = RulesEngine(FIXERS, [detector])
    return asyncio.run(proposals_of(engine, source, "src"))


def test_every_rule_is_planted_and_has_a_look_alike():
    assert {rule_of(path) for path in PROBLEMS} == set(CODES)
    assert {rule_of(path) for path in LOOK_ALIKES} == set(CODES)
    assert min(len(PROBLEMS), len(LOOK_ALIKES)) >= 15


def found_in(folder, files):
    detector = javascript_detector(DetectorResources(folder))
    return asyncio.run(detector.measure(a_source(files))).findings


@pytest.fixture(scope="module")
def problems(tmp_path_factory):
    """All planted problems in one package: what is found, proposed, and left of it then."""
    folder, files = tmp_path_factory.mktemp("problems"), a_package(PROBLEMS)
    made = proposals(folder, a_source(files))
    return found_in(folder, files), made, fixed(files, made)


@pytest.mark.parametrize("path", PROBLEMS, ids=lambda each: each.stem)
def test_a_planted_problem_is_found_and_fixed_as_expected(path, problems):
    found, _, now = problems
    after = path.with_suffix(".after")
    assert {each.code for each in found if each.path == name_of(path)} == {rule_of(path)}
    assert now[name_of(path)] == read(after if after.exists() else path)


def test_the_page_has_each_rule_with_what_is_done():
    rows = dict(re.findall(r"^\| \[`([\w-]+)`\].* \| ([^|]+) \|$", PAGE.read_text(), re.MULTILINE))
    assert rows == {code: each.phrase or "advice" for code, each in read_table().items()}


def test_what_is_fixed_needs_a_person_as_nothing_proves_it(problems):
    _, made, _ = problems
    assert {each.rule for each in made} == {each.declaration.rule for each in FIXERS}
    assert not any(each.safe or each.conditions for each in made)


def test_nothing_is_proposed_twice(problems, tmp_path):
    assert proposals(tmp_path, a_source(problems[2])) == []


@pytest.fixture(scope="module")
def look_alikes(tmp_path_factory):
    """What is found in all look-alikes together."""
    return found_in(tmp_path_factory.mktemp("look_alikes"), a_package(LOOK_ALIKES))


@pytest.mark.parametrize("path", LOOK_ALIKES, ids=lambda each: each.stem)
def test_a_look_alike_is_not_touched(path, look_alikes):
    assert [each for each in look_alikes if each.path == name_of(path)] == []


def test_a_target_chooses_rules_and_minified_or_generated_files_are_left_alone(tmp_path):
    text = "if (a == b) { debugger; }\n"
    both = {"src/m.js": text, "package.json": '{"name": "m"}'}
    assert codes_in(tmp_path, both, {"ignore": ["eqeqeq"]}) == ["no-debugger"]
    assert codes_in(tmp_path, both, {"select": ["eqeqeq"]}) == ["eqeqeq"]
    for path, content in (
        ("src/m.min.js", text),
        ("src/m.js", f"// @generated\n{text}"),
        ("src/m.js", f"{text}{'x();' * 2000}\n"),
        ("src/m.test.js", text),
    ):
        assert codes_in(tmp_path, {path: content, "src/n.js": "go();\n"}) == []


def test_what_cannot_be_parsed_is_not_made_worse(tmp_path):
    files = {"src/m.js": "if (a == b { debugger;\n", "package.json": '{"name": "m"}'}
    for each in proposals(tmp_path, a_source(files)):
        assert each.changes["src/m.js"][1].count("{") == 1


@pytest.mark.parametrize(
    ("path", "text", "left"),
    [
        ("eslint.config.js", "export default [{ rules: { eqeqeq: 'off' } }];", ["no-debugger"]),
        (".eslintrc.json", '{"rules": {"eqeqeq": ["off", "smart"]}}', ["no-debugger"]),
        ("package.json", '{"eslintConfig": {"rules": {"no-debugger": 0}}}', ["eqeqeq"]),
        (".eslintrc", "rules:\n  eqeqeq: error\n", ["eqeqeq", "no-debugger"]),
        (
            "eslint.config.mjs",
            "export default [{ rules: { 'x/eqeqeq': 'off' } }];",
            ["no-debugger"],
        ),
    ],
)
def test_what_eslint_is_told_to_leave_alone_is_left_alone(path, text, left, tmp_path):
    files = {"package.json": "{}", "src/m.js": "if (a == b) { debugger; }\n", path: text}
    assert codes_in(tmp_path, files) == left


KEYWORDS = {
    "return n;": "const",
    "if (n === 1 && n >= 3) go((x) => x + n);": "const",
    "var m = n * 2; var o = f(1, n);": "const",
    "n = 2;": "let",
    "n >>>= 2;": "let",
    "n ??= 2;": "let",
    "--n;": "let",
    "n++;": "let",
    "[n, m] = f();": "let",
    "({ n } = f());": "let",
    "for (n of f()) go(n);": "let",
    "var m = 1, n = 2;": "var",
    "var n;": "var",
    "var { n } = f();": "var",
    "var [m, n] = f();": "var",
    "for (var n of f()) go(n);": "var",
    "function g() { return n; }": "var",
    "eval('n');": "var",
}


def test_a_declaration_follows_what_is_done_with_its_name(tmp_path):
    files = {"package.json": '{"name": "m"}'}
    for number, rest in enumerate(KEYWORDS):
        files[f"src/{number}.js"] = f"const f = (a) => {{\n  var n = a;\n  {rest}\n}};\n"
    now = fixed(files, proposals(tmp_path, a_source(files)))
    done = {r: now[f"src/{n}.js"].splitlines()[1].split()[0] for n, r in enumerate(KEYWORDS)}
    assert done == KEYWORDS
