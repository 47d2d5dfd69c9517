"""Fixes of several detectors in one workspace, and a workspace that goes on without one."""

from contextlib import contextmanager

import pytest

from services.agents.engines.rules import RulesEngine
from shared.agent_types import FixBehaviour, FixerDeclaration, ToolFixer
from shared.contracts.base import Severity
from shared.detectors.ports import FixableFinding, Measured, Source
from shared.detectors.texts import Edit
from shared.targets.profile import profile_target
from tests.support.agents import proposals_of
from tests.support.builders import a_finding
from tests.support.trees import FakeTree

PROVEN = FixBehaviour("nothing", proven="It is a comment.")


class WordDetector:
    """Finds lines that begin with a word, and offers another one in its place."""

    version, files, single_file, security, runs_target_code = "1", ("*.py",), True, False, False

    def __init__(self, tool, word, other, fails=()):
        self.name = self.tool = tool
        self._word, self._other, self._fails = word, other, fails

    async def measure(self, source, paths=None):
        return Measured((), {})

    @contextmanager
    def open_workspace(self, source, files):
        self._fail("open")
        self.texts = dict(files)
        yield self

    def write(self, files):
        self.texts.update(files)

    def find(self, rules):
        self._fail("find")
        found = []
        for path, text in self.texts.items():
            for row, line in enumerate(text.splitlines(), 1):
                if line.startswith(self._word):
                    rule = f"{self.tool}:W"
                    finding = a_finding(rule, path=path, line=row).model_copy(
                        update={
                            "tool": self.tool,
                            "rule": rule,
                            "fixable": "safe",
                            "fingerprint": f"{self.tool}{line}",
                        }
                    )
                    edit = Edit((row, 1), (row, len(self._word) + 1), self._other)
                    found.append(FixableFinding(finding, (edit,)))
        return found

    def parses(self, path):
        self._fail("parses")
        return True

    def format(self, files):
        self._fail("format")
        return dict(files)

    def _fail(self, what):
        if what in self._fails:
            raise RuntimeError(what)


def a_fixer(tool):
    return ToolFixer(FixerDeclaration(f"{tool}:W", "say it", Severity.WARNING, behaviour=PROVEN))


async def proposed(*detectors):
    tree = FakeTree({"m/__init__.py": "", "m/a.py": "# one\n"})
    engine = RulesEngine([a_fixer(each.tool) for each in detectors], detectors)
    return await proposals_of(engine, Source(tree, profile_target(tree)))


async def test_what_another_detector_finds_in_a_fix_is_fixed_in_the_same_proposal():
    one, other = WordDetector("one", "# one", "# two"), WordDetector("other", "# two", "# three")
    (made,) = await proposed(one, other)
    assert made.rule == "one:W"
    assert made.changes["m/a.py"] == ("# one\n", "# three\n")
    assert "What that made possible is fixed as well (W)." in made.rationale


@pytest.mark.parametrize("what", ["open", "find", "parses", "format"])
async def test_the_others_go_on_without_a_detector_that_fails(what):
    bad = WordDetector("bad", "# one", "# bad", fails={what})
    good = WordDetector("good", "# one", "# good")
    made = await proposed(bad, good)
    assert [each.changes["m/a.py"][1] for each in made][-1:] in (["# good\n"], ["# bad\n"])


@pytest.mark.parametrize("what", ["open", "find"])
async def test_nothing_is_no_answer_where_the_only_detector_fails(what):
    with pytest.raises(RuntimeError, match=what):
        await proposed(WordDetector("bad", "# one", "# bad", fails={what}))
