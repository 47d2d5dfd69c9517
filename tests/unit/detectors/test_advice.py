"""Duplicated and complex code is advice; a tool that fails says so and breaks nothing else."""

import stat
import sys

import pytest

from services.agents.main import serve_type
from services.agents.types.code_quality import SPEC
from shared.detectors.failures import failure_note
from shared.detectors.jscpd import DuplicatesDetector
from shared.detectors.jscpd import detector as jscpd
from shared.detectors.ports import DetectorResources
from shared.detectors.rule_choice import RuleChoice
from shared.kernel.errors import ToolFailed
from tests.unit.agents.code_quality.support import a_source, findings

BLOCK = "".join(f"    total += first[{n}] * second[{n}] - third[{n}]\n" for n in range(12))
ONE = f"def one(first, second, third):\n    total = 0\n{BLOCK}    return total\n"
OTHER = (
    f"import math\n\n\ndef other(first, second, third):\n    total = 0\n{BLOCK}    return total\n"
)


def found(scratch, files, section=None):
    source = a_source({"m/__init__.py": "", **files}, section)
    return [e for e in findings(scratch, source) if e.tool in {"jscpd", "complexipy"}]


def test_code_that_is_written_twice_is_advice_at_the_first_place(tmp_path):
    (each,) = found(tmp_path, {"m/a.py": ONE, "m/b.py": OTHER})
    assert (each.rule, each.path, each.fixable) == ("jscpd:jscpd", "m/a.py", "no")
    assert "lines are also at m/b.py:" in each.message


@pytest.mark.parametrize(
    "files",
    [
        {"m/a.py": ONE, "m/b.py": OTHER.replace("*", "+").replace("-", "*")},
        {"m/a.py": ONE, "tests/test_b.py": OTHER},
        {"m/a.py": ONE.replace(BLOCK, BLOCK[:200]), "m/b.py": OTHER.replace(BLOCK, BLOCK[:200])},
    ],
)
def test_what_differs_is_short_or_a_test_is_none(tmp_path, files):
    assert found(tmp_path, files) == []


def test_duplicates_in_javascript_are_found(tmp_path):
    text = "".join(f"  total += first[{n}] * second[{n}] - third[{n}];\n" for n in range(12))
    code = "function f(first, second, third) {\n  let total = 0;\n" + text + "  return total;\n}\n"
    assert [e.path for e in found(tmp_path, {"m/a.js": code, "m/b.ts": code})] in ([], ["m/a.js"])
    assert [e.path for e in found(tmp_path, {"m/a.js": code, "m/b.js": code})] == ["m/a.js"]


NESTED = """def f(a):
    if not a:
        return 0
    for b in a:
        if b:
            for c in b:
                if c and c > 1 or c < 0:
                    while c:
                        if c == 2:
                            c -= 1
                        else:
                            c -= 2
    return 1
"""


def test_a_function_that_is_hard_to_follow_is_advice_with_its_hardest_part(tmp_path):
    (each,) = found(tmp_path, {"m/a.py": NESTED}, {"max_complexity": 10})
    assert (each.code, each.line, each.end_line, each.fixable) == ("COG001", 1, 13, "no")
    assert "(limit 10)" in each.message
    assert "lines 4 to 12: move that into a function of its own" in each.message


@pytest.mark.parametrize("code", ["COG001", "C901", "PLR0912"])
def test_what_people_accept_is_none(tmp_path, code):
    text = NESTED.replace("def f(a):", f"def f(a):  # noqa: {code}")
    assert found(tmp_path, {"m/a.py": text}, {"max_complexity": 10}) == []


@pytest.mark.parametrize("section", [{"max_complexity": 60}, {"ignore": ["COG"]}])
def test_a_target_sets_the_limit(tmp_path, section):
    assert found(tmp_path, {"m/a.py": NESTED}, section) == []


@pytest.mark.parametrize(
    "text", ["def f(:\n", "x = " + "(" * 900 + "1" + ")" * 900, "x = " + "-" * 90_000 + "1\n", "\0"]
)
def test_a_file_that_cannot_be_parsed_skips_only_itself(tmp_path, text):
    files = {"m/a.py": NESTED, "m/odd.py": text}
    assert [e.path for e in found(tmp_path, files, {"max_complexity": 10})] == ["m/a.py"]


def test_the_gate_does_not_refuse_a_change_for_advice(tmp_path):
    served = serve_type(SPEC, DetectorResources(tmp_path))
    advisors = {each.name for each in served.advisors}
    assert advisors == {"jscpd", "complexipy", "sarif_command", "imported"}
    assert advisors.isdisjoint(served.detector_names)
    assert advisors <= {each.name for each in served.measuring}


def a_program(folder, code):
    """A program that stands in for jscpd."""
    path = folder / "jscpd"
    path.write_text(f"#!{sys.executable}\n{code}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


CRASHES = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
HANGS = "import time; time.sleep(60)"
REPORTS = "import os, sys; d = sys.argv[sys.argv.index('--output') + 1]; os.makedirs(d); "
GARBAGE = REPORTS + "open(d + '/jscpd-report.json', 'w').write('<html>')"
OTHER_SHAPE = REPORTS + "open(d + '/jscpd-report.json', 'w').write('{\"duplicates\": [{}]}')"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (CRASHES, "ended with -11"),
        ("raise SystemExit(3)", "ended with 3"),
        ("pass", "no report"),
        (HANGS, "took more than 1 s"),
        (GARBAGE, "cannot be read"),
        (OTHER_SHAPE, "cannot be read"),
    ],
)
async def test_a_tool_that_fails_says_so(tmp_path, monkeypatch, code, said):
    program = a_program(tmp_path, code)
    monkeypatch.setattr(jscpd, "find_jscpd", lambda: program)
    monkeypatch.setattr(jscpd, "TIMEOUT_SECONDS", 1.0)
    detector = DuplicatesDetector(tmp_path / "scratch", lambda _: RuleChoice())
    with pytest.raises(ToolFailed, match=said):
        await detector.measure(a_source({"m/__init__.py": "", "m/a.py": ONE}))
    assert not list((tmp_path / "scratch").iterdir())


def test_a_missing_program_is_named_in_the_note(monkeypatch):
    monkeypatch.setattr(jscpd.shutil, "which", lambda *_, **__: None)
    with pytest.raises(FileNotFoundError) as failed:
        jscpd.find_jscpd()
    assert failure_note("jscpd", failed.value) == (
        "The detector jscpd failed, and its findings are missing: the program jscpd is missing."
    )


@pytest.mark.parametrize(
    ("error", "note"),
    [
        (ToolFailed("It took too long."), "It took too long."),
        (ValueError("a\n  b"), "ValueError: a b."),
        (ValueError("a" * 300), f"ValueError: {'a' * 188}…"),
    ],
)
def test_a_note_is_one_short_sentence(error, note):
    said = "The detector x failed, and its findings are missing: "
    assert failure_note("x", error) == said + note
