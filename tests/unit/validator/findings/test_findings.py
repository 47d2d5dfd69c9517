"""A change removes the findings it claims to fix, and adds none that is as bad.

Findings are compared by fingerprint; some tests run the real ruff.
"""

from dataclasses import replace

import pytest

from services.agents.types.code_quality.spec import SEVERITIES, SPEC
from services.validator.findings.adapters import RegisteredDetectors
from services.validator.findings.domain import not_measured
from services.validator.findings.usecases import ChangeTrees, check_findings
from services.validator.prepared import PreparedHead
from shared.contracts.base import Severity
from shared.detectors.comparison import FileFindings, compare
from shared.detectors.findings import Fingerprints
from shared.detectors.ports import DetectorResources, Source
from shared.detectors.ruff.process import Ruff
from shared.detectors.ruff.security import SECURITY_CODES
from shared.kernel.errors import Rejected, ToolFailed
from shared.kernel.ids import uuid7
from shared.targets.profile import profile_target
from tests.support.builders import a_finding, a_task, an_enhancement
from tests.support.landing import a_patch, a_yard
from tests.support.memory import a_store
from tests.support.validator_deps import a_validator

NOTE, WARNING, ERROR = Severity.NOTE, Severity.WARNING, Severity.ERROR


def severity_of(code):
    default = WARNING if code in SECURITY_CODES else ERROR
    return SEVERITIES.get(code, default)


def seen(text, *places, path="m.py", fixable="no"):
    """A file with findings at (rule, line)."""
    fingerprints, lines = Fingerprints(), text.splitlines()
    found = [
        a_finding(
            rule,
            severity=severity_of(rule),
            security=rule in SECURITY_CODES,
            path=path,
            line=line,
            fixable=fixable,
            fingerprint=fingerprints.next("ruff", rule, path, lines[line - 1]),
        )
        for rule, line in places
    ]
    return {path: FileFindings(text, tuple(found))}


def all_of(look):
    return [each for file in look.values() for each in file.findings]


def test_what_was_claimed_is_gone_and_nothing_is_new():
    before = seen("import os\nx = 1\n", ("F401", 1))
    check = compare(all_of(before), before, seen("x = 1\n"))
    assert [each.code for each in check.gone] == ["F401"]
    assert check.broken == ""


def test_what_is_still_there_is_named_with_its_rule_file_and_line_of_now():
    before = seen("import os\nx = 1\n", ("F401", 1))
    after = seen("# better\nimport os\nx = 1\n", ("F401", 2))
    check = compare(all_of(before), before, after)
    assert check.gone == ()
    assert check.broken == "it claims to fix F401 at m.py:2, which is still there"


def test_a_claimed_finding_whose_line_was_only_rewritten_is_not_gone():
    before = seen("import os\n", ("F401", 1))
    check = compare(all_of(before), before, seen("import os  # used\n", ("F401", 1)))
    assert check.broken == "it adds F401 at m.py:1"


def test_a_claim_in_a_file_that_the_change_does_not_touch_was_not_kept():
    before = seen("import os\n", ("F401", 1))
    check = compare(all_of(before), {}, {})
    assert check.broken == "it claims to fix F401 at m.py:1, which is still there"


@pytest.mark.parametrize(
    ("claimed", "added", "counts"),
    [
        ("F401", "F841", True),
        ("F401", "E711", True),
        ("F401", "C408", False),
        ("C408", "UP032", True),
        ("C408", "F841", True),
        ("E711", "F401", False),
        ("E711", "W605", True),
        ("E711", "S602", True),
        ("C408", "invalid-syntax", True),
    ],
)
def test_a_new_finding_counts_where_it_is_as_bad_as_a_claimed_one_or_opens_a_door(
    claimed, added, counts
):
    before = seen("one\nsame\n", (claimed, 1))
    check = compare(all_of(before), before, seen("two\nsame\n", (added, 1)))
    assert bool(check.new) is counts


def test_where_nothing_is_claimed_only_errors_and_doors_count():
    added = seen("a\nb\nc\nd\n", ("C408", 1), ("F401", 2), ("E711", 3), ("S602", 4))
    check = compare([], seen(""), added)
    assert [each.code for each in check.new] == ["E711", "S602"]


def test_lines_that_moved_are_the_same_findings():
    before = seen("fix\nold\n", ("F401", 1), ("E711", 2))
    after = seen("more\nlines\nold\n", ("E711", 3))
    assert compare(all_of(before)[:1], before, after).broken == ""


def test_a_finding_left_alone_on_a_line_that_the_fix_rewrote_is_not_new():
    before = seen("'%s' % dict()\n", ("UP031", 1), ("C408", 1))
    after = seen("f'{dict()}'\n", ("C408", 1))
    claimed = [each for each in all_of(before) if each.code == "UP031"]
    assert compare(claimed, before, after).broken == ""


def test_but_one_more_of_it_elsewhere_is():
    before = seen("'%s' % dict()\nsame\n", ("UP031", 1), ("C408", 1))
    after = seen("f'{dict()}'\nsame\nx = dict()\n", ("C408", 1), ("C408", 3))
    claimed = [each for each in all_of(before) if each.code == "UP031"]
    assert compare(claimed, before, after).broken == "it adds C408 at m.py:3"


def test_one_that_was_left_alone_excuses_one_and_not_two():
    before = seen("'%s' % dict()\n", ("UP031", 1), ("C408", 1))
    after = seen("f'{dict()}'\nx = dict()\n", ("C408", 1), ("C408", 2))
    claimed = [each for each in all_of(before) if each.code == "UP031"]
    assert len(compare(claimed, before, after).new) == 1


def test_one_of_two_equal_lines_may_be_fixed_though_the_other_now_has_its_number():
    before = seen("x == None\ny\nx == None\n", ("E711", 1), ("E711", 3))
    after = seen("x is None\ny\nx == None\n", ("E711", 3))
    first = all_of(before)[:1]
    assert compare(first, before, after).broken == ""
    assert compare(all_of(before), before, after).still_there


def test_another_finding_fixed_in_place_of_the_claimed_one_is_no_fix_of_it():
    before = seen("x == None\ny == None\n", ("E711", 1), ("E711", 2))
    after = seen("x == None\ny is None\n", ("E711", 1))
    assert compare(all_of(before)[:1], before, after).still_there


@pytest.mark.parametrize(
    ("claimed", "added", "counts"),
    [
        ("UP031", ["UP032"], False),
        ("UP032", ["RUF010", "RUF010"], True),
        ("F841", ["F401"], False),
        ("F841", ["F401", "C408"], False),
        ("E711", ["F401", "F401"], False),
        ("UP032", ["UP032"], True),
        ("UP032", ["F541"], True),
        ("F841", ["S602"], True),
    ],
)
def test_what_a_fix_makes_possible_does_not_count_if_it_weighs_no_more_than_what_is_gone(
    claimed, added, counts
):
    before = seen("old\n", (claimed, 1))
    after = seen("new\n", *((each, 1) for each in added), fixable="safe")
    assert bool(compare(all_of(before), before, after).new) is counts


def test_it_is_made_possible_on_lines_that_did_not_change_or_in_place_of_what_is_gone():
    before = seen("import os\na\nb = os.x\n", ("F841", 3))
    unused = seen("import os\na\n", ("F401", 1), fixable="safe")
    assert compare(all_of(before), before, unused).broken == ""
    written = seen("import os\nimport re\na\n", ("F401", 2), fixable="safe")
    assert compare(all_of(before), before, written).broken == "it adds F401 at m.py:2"


def test_what_is_made_possible_is_weighed_over_the_whole_change():
    before = seen("a\nb\nc\n", ("UP032", 1), ("UP032", 2), ("UP032", 3))
    after = seen("x\ny\nz\n", ("RUF010", 1), ("RUF010", 1), fixable="safe")
    assert compare(all_of(before), before, after).broken == ""


def test_findings_of_the_targets_own_command_are_not_measured_and_that_is_said():
    own = [a_finding("own:OWN", tool="own", severity=NOTE)]
    assert "not measured: whether 1 finding of" in not_measured(own, {"ruff"})
    assert not_measured([a_finding()], {"ruff"}) == ""


def test_every_rule_that_is_looked_for_has_a_severity_and_words():
    assert all(each.declaration.phrase for each in SPEC.fixers)
    ruffs = {each.declaration.code for each in SPEC.fixers if each.declaration.tool == "ruff"}
    assert ruffs == SEVERITIES.keys()
    assert not set(SECURITY_CODES) & SEVERITIES.keys()


# With the real ruff.

DETECTORS = ("ruff", "repair_command", "ruff_security", "ast-grep")
OLD = "import os\n\n\ndef f(x):\n    return x == None\n"
FIXED = "def f(x):\n    return x == None\n"


class Bench:
    """A target, and changes to it as the gate composes them: each on the one before."""

    def __init__(self, tmp_path, **files):
        self.yard = a_yard(tmp_path, **(files or {"m.py": OLD}))
        self.head = self.yard.head()
        tree = self.yard.mirror.tree(self.head)
        self.profile = profile_target(tree)
        self.scratch = tmp_path / "scratch"
        self.detectors = RegisteredDetectors(self.scratch, lambda _: self.yard.mirror)
        self.deps = a_validator(a_store(), tmp_path / "home", detectors=self.detectors)
        self.texts = {path: tree.read(path).decode() for path in tree.files()}
        self.source = Source(tree, self.profile)
        self.tree = tree.oid
        self.task = a_task()

    @property
    def place(self):
        return PreparedHead(self.yard.target, self.yard.mirror, self.head, self.profile, None)

    def findings(self, *rules, path="m.py"):
        files = {path: self.texts[path]}
        detector = SPEC.detectors[0](DetectorResources(self.scratch))
        with detector.open_workspace(self.source, files) as workspace:
            found = workspace.find([f"ruff:{each}" for each in rules])
        return tuple(each.finding for each in found)

    def step(self, text, *rules, path="m.py", **fields):
        """A change that claims to fix all of these rules, and makes the file that text."""
        claims = self.findings(*rules) if rules else ()
        change = an_enhancement(
            self.task, key=uuid7(), findings=claims, detectors=DETECTORS, **fields
        )
        made = make(self, path, text, change.id)
        before, self.tree, self.texts[path] = self.tree, made, text
        return ChangeTrees(change, before, self.tree)

    async def check(self, *steps):
        for each in steps:
            await self.deps.store.enhancements.insert(each.change)
        found = await check_findings(steps, self.place, self.deps)
        return [found[each.change.id] for each in steps]


def make(bench, path, text, identity):
    composed = bench.yard.repository.compose(
        bench.tree, [(identity, a_patch(path, bench.texts.get(path), text))]
    )
    assert not composed.failed
    return composed.tree


async def test_a_change_that_keeps_its_word_has_nothing_against_it(tmp_path):
    bench = Bench(tmp_path)
    assert await bench.check(bench.step(FIXED, "F401")) == [""]


async def test_a_change_that_fixes_nothing_of_what_it_claims_is_named_with_rule_file_and_line(
    tmp_path,
):
    bench = Bench(tmp_path)
    said = await bench.check(bench.step("# tidy\n" + OLD, "F401"))
    assert said == ["it claims to fix F401 at m.py:2, which is still there"]


async def test_a_change_that_fixes_one_finding_and_adds_another_is_refused(tmp_path):
    bench = Bench(tmp_path)
    worse = FIXED.replace("return", "y = 1\n    return")
    assert await bench.check(bench.step(worse, "F401")) == ["it adds F841 at m.py:2"]


async def test_a_change_must_not_add_what_a_rule_of_the_target_itself_forbids(tmp_path):
    rule = "id: no-print\nlanguage: Python\nseverity: error\nrule: {pattern: print($A)}\n"
    config = '[agents.code_quality]\nrules = "lint"\n'
    files = {"m.py": OLD, "lint/no-print.yml": rule, "groundswell.toml": config}
    bench = Bench(tmp_path, **files)
    noisy = FIXED.replace("return", "print(x)\n    return")
    assert await bench.check(bench.step(noisy, "F401")) == ["it adds no-print at m.py:2"]


async def test_an_exception_caught_and_ignored_is_found_whatever_the_change_is_about(tmp_path):
    bench = Bench(tmp_path)
    hiding = "def f(x):\n    try:\n        return x is None\n    except Exception:\n        pass\n"
    assert await bench.check(bench.step(hiding, "E711")) == ["it adds S110 at m.py:4"]


async def test_each_change_of_a_batch_is_judged_on_those_before_it_in_one_process(
    tmp_path, monkeypatch
):
    calls = []
    monkeypatch.setattr(Ruff, "check", counted(Ruff.check, calls))
    bench = Bench(tmp_path)
    good = bench.step(FIXED, "F401", order=0)
    bad = bench.step(FIXED + "x = []\n", "E711", order=1)
    late = bench.step(FIXED.replace("== None", "is None") + "x = []\n", "E711", order=2)
    del calls[:]
    said = await bench.check(good, bad, late)
    assert said[0] == said[2] == ""
    assert said[1] == "it claims to fix E711 at m.py:2, which is still there"
    assert len(calls) == 2, "one process for each detector"
    await check_findings([good, bad, late], bench.place, bench.deps)
    assert len(calls) == 2, "what is known is not looked at again"


def counted(real, calls):
    def count(self, *arguments):
        calls.append(arguments)
        return real(self, *arguments)

    return count


async def test_a_change_is_not_refused_for_what_it_makes_possible(tmp_path):
    bench = Bench(tmp_path, **{"m.py": "def f(x):\n    return '%s' % x\n"})
    assert await bench.check(bench.step("def f(x):\n    return '{}'.format(x)\n", "UP031")) == [""]


async def test_what_the_target_does_not_want_to_hear_of_does_not_count(tmp_path):
    files = {"m.py": OLD, "pyproject.toml": '[tool.ruff.lint]\nignore = ["F841", "S"]\n'}
    bench = Bench(tmp_path, **files)
    text = FIXED.replace("return", "y = exec('1')\n    return")
    assert await bench.check(bench.step(text, "F401")) == [""]


async def test_findings_by_the_targets_own_command_pass_unmeasured(tmp_path):
    bench = Bench(tmp_path)
    own = a_finding("own:OWN", tool="own", path="m.py", severity=NOTE)
    step = bench.step("# tidy\n" + OLD)
    change = an_enhancement(bench.task, findings=(own,), detectors=DETECTORS)
    step = ChangeTrees(change, step.before, step.after)
    assert await bench.check(step) == [""]


async def test_a_file_that_is_new_or_gone_or_no_text_is_looked_at_as_what_it_is(tmp_path):
    bench = Bench(tmp_path, **{"m.py": OLD, "n.py": "x = 1\n"})
    new = bench.step("eval(input())\n", path="k.py")
    assert await bench.check(new) == ["it adds S307 at k.py:1"]
    gone = bench.yard.repository.compose(bench.tree, [("e", deleting(bench.texts["m.py"]))])
    claim = bench.findings("F401")
    change = an_enhancement(bench.task, findings=claim, detectors=DETECTORS)
    step = ChangeTrees(change, bench.tree, gone.tree)
    assert await bench.check(step) == [""]


def deleting(text):
    return a_patch("m.py", text, None)


async def test_what_nobody_looked_for_work_in_is_not_looked_at(tmp_path):
    bench = Bench(tmp_path, **{"m.py": OLD, "test_m.py": "x = 1\n"})
    assert await bench.check(bench.step("import os\neval(input())\n", path="test_m.py")) == [""]


async def test_where_the_detectors_cannot_look_nobody_is_blamed(tmp_path):
    bench = Bench(tmp_path)

    class Blind:
        async def measure_pairs(self, *_):
            raise Rejected("no eyes")

    step = bench.step("# tidy\n" + OLD, "F401")
    deps = a_validator(bench.deps.store, tmp_path / "home", detectors=Blind())
    assert await check_findings([step], bench.place, deps) == {step.change.id: ""}


class Broken:
    """A detector that fails as a tool does."""

    name, tool, version, files = "broken", "broken", "1", ("*",)
    single_file, security, runs_target_code = True, False, False

    def __init__(self, error):
        self.error = error

    async def measure(self, source, paths=None):
        raise self.error


@pytest.mark.parametrize(
    "error", [RuntimeError("garbage"), ToolFailed("too slow"), FileNotFoundError("no program")]
)
async def test_the_others_still_judge_where_one_detector_fails(tmp_path, error):
    bench = Bench(tmp_path)
    spec = replace(SPEC, detectors=(*SPEC.detectors, lambda _: Broken(error)))
    bench.deps = a_validator(
        bench.deps.store,
        tmp_path / "home",
        detectors=RegisteredDetectors(
            bench.scratch, lambda _: bench.yard.mirror, lambda: {SPEC.name: spec}
        ),
    )
    step = bench.step("# tidy\n" + OLD, "F401")
    step.change.proposal.__dict__["detectors"] = (*DETECTORS, "broken")
    [said] = await bench.check(step)
    assert "F401 at m.py:2, which is still there" in said


async def test_nothing_is_left_behind_after_looking(tmp_path):
    bench = Bench(tmp_path)
    await bench.check(bench.step(FIXED, "F401"))
    assert not list(bench.scratch.iterdir())
