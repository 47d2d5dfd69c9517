"""Rules for ast-grep that a target brings: found, fixed with a person's leave, or advised on."""

import asyncio

import pytest

from services.agents.types.code_quality import SPEC
from services.agents.types.code_quality.own_rules import own_rules_detector
from shared.detectors.astgrep import process
from shared.detectors.astgrep.rules import MAX_FILES
from shared.detectors.ports import DetectorResources
from shared.kernel.errors import Rejected, ToolFailed
from shared.targets.config import parse_config
from shared.targets.paths import is_protected
from tests.unit.agents.code_quality.support import a_source, proposals

NO_PRINT = """
id: no-print
language: Python
severity: error
message: Do not print $A.
note: It gets into the output of others.
url: https://example.org/no-print
rule: {pattern: print($A)}
"""
MINIMUM = """
id: minimum
language: Python
message: What is the least of nothing?
rule: {pattern: min($A)}
fix: min($A, default=None)
"""
CODE = "def f(xs):\n    print(xs)\n    return min(xs)\n"


def a_target(rules=NO_PRINT + "---" + MINIMUM, folder="lint", code=CODE, **more):
    files = {"m/__init__.py": "", "m/a.py": code, "lint/rules.yml": rules, **more}
    return a_source({path: text for path, text in files.items() if text}, {"rules": folder})


def findings(scratch, source, paths=None):
    detector = own_rules_detector(DetectorResources(scratch))
    return asyncio.run(detector.measure(source, paths)).findings


def test_a_rule_is_a_finding_with_all_that_it_says(tmp_path):
    one, other = findings(tmp_path, a_target())
    assert (one.rule, one.path, one.line, one.severity) == (
        "ast-grep:no-print",
        "m/a.py",
        2,
        "error",
    )
    assert one.message == "Do not print xs. It gets into the output of others."
    assert one.help_uri == "https://example.org/no-print"
    assert (one.fixable, one.advice, one.component) == ("no", True, "m")
    assert (other.rule, other.fixable, other.advice) == ("ast-grep:minimum", "unsafe", False)


def test_a_rule_with_a_fix_is_a_fixer_that_promises_nothing(tmp_path):
    [made] = proposals(tmp_path, a_target())
    assert made.changes["m/a.py"][1] == CODE.replace("min(xs)", "min(xs, default=None)")
    assert (made.rule, made.safe, made.conditions) == ("ast-grep:minimum", False, ())
    assert "What is the least of nothing?" in made.rationale
    behaviour = SPEC.behaviour(made.rule)
    assert not behaviour.permitted
    assert behaviour.kind == "may change"


def test_only_the_whole_id_of_an_own_rule_can_be_allowed():
    config = parse_config(b'[policy]\nallowed_rules = ["ast-grep:minimum"]\n')
    assert config.policy.allows("ast-grep:minimum")
    with pytest.raises(Rejected, match="minimum is the rule of no agent type"):
        parse_config(b'[policy]\nallowed_rules = ["minimum"]\n')


def test_where_unsafe_fixes_are_not_wanted_they_become_advice(tmp_path):
    source = a_target()
    policy = source.profile.config.policy.model_copy(update={"unsafe_fixes": False})
    config = source.profile.config.model_copy(update={"policy": policy})
    object.__setattr__(source, "profile", source.profile.model_copy(update={"config": config}))
    assert {each.fixable for each in findings(tmp_path, source)} == {"no"}
    assert proposals(tmp_path, source) == []


def test_no_change_may_touch_the_rules_that_judge_it():
    config = a_target().profile.config
    assert is_protected("lint/rules.yml", config)
    assert is_protected("lint/utils/deep/x.yml", config)
    assert not is_protected("m/lint/rules.yml", config)
    assert not is_protected("lint/rules.yml", a_target(folder="").profile.config)


def test_utilities_globs_and_comments_work_as_in_ast_grep(tmp_path):
    utility = "id: printed\nlanguage: Python\nrule: {pattern: print($A)}\n"
    rules = "id: p\nlanguage: Python\nrule: {matches: printed}\nignores: ['m/b.py']\n"
    more = {"m/b.py": "print(1)\n", "lint/utils/printed.yml": utility}
    code = "# ast-grep-ignore\nprint(2)\nprint(3)\n"
    found = findings(tmp_path, a_target(rules, code=code, **more))
    assert [(each.path, each.line) for each in found] == [("m/a.py", 3)]


def test_a_rule_that_is_off_finds_nothing(tmp_path):
    for off in ("off", "'off'"):
        assert findings(tmp_path, a_target(NO_PRINT.replace("error", off))) == ()


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("", "no rule in lint: no file below it ends in .yml or .yaml"),
        ("- a\n- b\n", "a rule is a mapping"),
        ("id: a\nlanguage: Python\n", "a rule lacks rule"),
        ("rule: {pattern: a}\n", "a rule lacks id and language"),
        ("id: a b\nlanguage: Python\nrule: {pattern: a}\n", "'a b' is no id"),
        ("id: ../a\nlanguage: Python\nrule: {pattern: a}\n", "is no id"),
        (f"{NO_PRINT}---{NO_PRINT}", "two rules with the id no-print"),
        (NO_PRINT.replace("error", "fatal"), "severity 'fatal' is none of error, warning"),
        ("id: [a\n", "lint/rules.yml: it is no YAML"),
        ("!!python/object/apply:os.system ['true']", "it is no YAML"),
        ("[" * 5000, "it is no YAML"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_with_its_file(tmp_path, rules, said):
    with pytest.raises(Rejected) as error:
        findings(tmp_path, a_target(rules))
    assert said in error.value.message
    assert "`id: no-print`" in error.value.hint
    assert not isinstance(error.value, ToolFailed)


def test_too_many_rules_are_refused(tmp_path):
    more = {f"lint/{n}.yml": NO_PRINT for n in range(MAX_FILES)}
    with pytest.raises(Rejected, match="has more than 500 files"):
        findings(tmp_path, a_target(**more))


@pytest.mark.parametrize("folder", ["../rules", "/etc", "a/../../b", ".git/x"])
def test_the_folder_is_one_of_the_repository(folder):
    config = f'[agents.code_quality]\nrules = "{folder}"\n'.encode()
    with pytest.raises(Rejected, match=r"agents\.code_quality\.rules: .*path from the root"):
        parse_config(config)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("rule: {patern: a}", "unknown field `patern`"),
        ("rule: {regex: '['}", "Rule contains invalid regex matcher"),
        ("rule: {kind: nonsense}", "Kind `nonsense` is invalid"),
    ],
)
def test_what_ast_grep_says_is_said_without_its_folders(tmp_path, wrong, said):
    with pytest.raises(ToolFailed) as error:
        findings(tmp_path, a_target(f"id: a\nlanguage: Python\n{wrong}\n"))
    assert "Cannot parse rule rules.yml" in error.value.message
    assert said in error.value.message
    assert str(tmp_path) not in error.value.message


def test_a_rule_that_matches_everything_is_cut_short(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "MAX_MATCHES", 10)
    monkeypatch.setattr("shared.detectors.astgrep.detector.MAX_MATCHES", 10)
    source = a_target("id: a\nlanguage: Python\nrule: {kind: identifier}\n", code="x = y\n" * 50)
    measured = asyncio.run(own_rules_detector(DetectorResources(tmp_path)).measure(source))
    assert len(measured.findings) == 10
    assert measured.notes == ("Rules match more than 10 places; only so many are looked at.",)


def test_a_file_is_looked_at_once_until_it_changes(tmp_path, monkeypatch):
    detector, looked = own_rules_detector(DetectorResources(tmp_path)), []
    run = process.run_ast_grep

    def counting(scratch, texts, rules):
        looked.append(sorted(texts))
        return run(scratch, texts, rules)

    monkeypatch.setattr("shared.detectors.astgrep.detector.run_ast_grep", counting)
    for source in (a_target(), a_target(), a_target(code="print(1)\n")):
        found = asyncio.run(detector.measure(source)).findings
    assert ["m/a.py"] in looked
    assert len(looked) == 2
    assert [each.line for each in found] == [1]


def test_a_program_that_prints_garbage_or_is_missing_fails_alone(tmp_path, monkeypatch):
    with pytest.raises(ToolFailed, match="printed what cannot be read"):
        process.read_matches(b"{}\n")
    monkeypatch.setattr(process.shutil, "which", lambda *_, **__: None)
    with pytest.raises(FileNotFoundError):
        findings(tmp_path, a_target())
