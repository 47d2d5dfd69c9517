"""Ruff runs only on texts that it has not seen, and finds what it found in all of them."""

import pytest

from services.agents.types.code_quality.spec import FIXERS, ruff_detector
from shared.detectors.ports import DetectorResources, Source
from shared.detectors.ruff.process import Ruff
from shared.targets.profile import profile_target
from tests.support.trees import FakeTree

RULES = tuple(each.declaration.rule for each in FIXERS)
FILES = {
    "shop/a.py": "import os\nimport sys\n",
    "shop/b.py": "import os\nx=1\n",
    "shop/c.py": "x = 1\n",
}


@pytest.fixture
def detector(tmp_path):
    return ruff_detector(DetectorResources(tmp_path))


@pytest.fixture
def checked(monkeypatch):
    """The paths on which ruff ran, call by call."""
    calls, check = [], Ruff.check

    def recording(self, codes, paths=(".",)):
        calls.append([*paths])
        return check(self, codes, paths)

    monkeypatch.setattr(Ruff, "check", recording)
    return calls


def source_of(files):
    tree = FakeTree({"pyproject.toml": "", **files})
    return Source(tree, profile_target(tree))


def found_in(detector, files):
    with detector.open_workspace(source_of(files), files) as workspace:
        return workspace.find(RULES)


def test_only_what_was_written_is_looked_at_again(detector, checked):
    with detector.open_workspace(source_of(FILES), FILES) as workspace:
        first = workspace.find(RULES)
        assert workspace.find(RULES) == first
        workspace.write({"shop/b.py": "import os\n\nprint(os.name)\n"})
        assert workspace.parses("shop/b.py")
        second = workspace.find(RULES)
    assert checked == [["."], ["shop/b.py"]]
    assert [(each.finding.path, each.finding.line) for each in first] == [
        ("shop/a.py", 1),
        ("shop/a.py", 2),
        ("shop/b.py", 1),
    ]
    assert second == first[:2]


def test_what_is_found_bit_by_bit_is_what_is_found_at_once(detector):
    changed = {**FILES, "shop/a.py": "import sys\n", "shop/c.py": "import os\nx = list([1])\n"}
    with detector.open_workspace(source_of(FILES), FILES) as workspace:
        workspace.find(RULES)
        workspace.write({path: changed[path] for path in ("shop/c.py", "shop/a.py")})
        found = workspace.find(RULES)
    assert found
    assert found == found_in(detector, changed)


def test_a_file_is_valid_or_not_as_it_is_now(detector):
    with detector.open_workspace(source_of(FILES), FILES) as workspace:
        assert workspace.parses("shop/a.py")
        workspace.write({"shop/a.py": "import (\n"})
        assert not workspace.parses("shop/a.py")
        workspace.write({"shop/a.py": FILES["shop/a.py"]})
        assert workspace.parses("shop/a.py")


def test_a_text_that_is_taken_back_is_not_looked_at_again(detector, checked):
    with detector.open_workspace(source_of(FILES), FILES) as workspace:
        first = workspace.find(RULES)
        workspace.write({"shop/a.py": "import os\n"})
        assert workspace.find(RULES) != first
        workspace.write({"shop/a.py": FILES["shop/a.py"]})
        assert workspace.find(RULES) == first
    assert checked == [["."], ["shop/a.py"]]


def test_other_rules_find_other_things(detector):
    with detector.open_workspace(source_of(FILES), FILES) as workspace:
        assert workspace.find(["ruff:C411"]) == []
        assert len(workspace.find(["ruff:F401"])) == 3
        assert workspace.find(["ruff:no-such-rule"]) == []


def test_formatting_a_text_leaves_the_files_as_they_are(detector):
    with detector.open_workspace(source_of(FILES), FILES) as workspace:
        before = workspace.find(RULES)
        assert workspace.format({"shop/b.py": "x=1\n"}) == {"shop/b.py": "x = 1\n"}
        workspace.write({"shop/c.py": FILES["shop/c.py"]})
        assert workspace.find(RULES) == before
