"""The real ruff, as the target's own configuration has it."""

import subprocess

import pygit2
import pytest
from ruff import find_ruff_bin

from shared.contracts.base import Severity
from shared.detectors.ports import Source
from shared.detectors.ruff import RuffDetector, RuffSecurityDetector
from shared.detectors.ruff.black import STAND_IN
from shared.targets.profile import profile_target
from shared.targets.tree import GitTree
from tests.support.agents import proposals_of, served_type
from tests.support.repositories import a_repository
from tests.support.trees import FakeTree

CODES = ("F401", "F841", "RET504", "RET505", "E731")
UNUSED = "import os\n\n\ndef f(x):\n    y = x\n    return y\n"


async def measured(tmp_path, detector=None, **files):
    tree = FakeTree({"p/__init__.py": "", **files})
    detector = detector or RuffDetector(tmp_path, dict.fromkeys(CODES, Severity.WARNING))
    return await detector.measure(Source(tree, profile_target(tree)))


async def found(tmp_path, **files):
    return {(each.path, each.code) for each in (await measured(tmp_path, **files)).findings}


async def test_what_an_extended_file_says_counts(tmp_path):
    files = {
        "p/a.py": UNUSED,
        "p/b.py": UNUSED,
        "ruff.toml": 'extend = "config/base.toml"\n',
        "config/base.toml": '[lint]\nignore = ["RET"]\nper-file-ignores = {"p/b.py" = ["F401"]}\n',
    }
    assert await found(tmp_path, **files) == {("p/a.py", "F401")}
    files["ruff.toml"] += '[lint]\nextend-select = ["RET504"]\n'
    assert ("p/a.py", "RET504") in await found(tmp_path, **files)


async def test_each_package_has_its_own(tmp_path):
    files = {
        "p/a.py": UNUSED,
        "q/__init__.py": "",
        "q/a.py": UNUSED,
        "q/pyproject.toml": '[tool.ruff.lint]\nignore = ["F401"]\n',
        "p/pyproject.toml": "[project]\nname = 'p'\n",
    }
    assert {each for each in await found(tmp_path, **files) if each[1] == "F401"} == {
        ("p/a.py", "F401")
    }
    files["pyproject.toml"] = '[tool.ruff.lint]\nignore = ["RET"]\n'
    assert await found(tmp_path, **files) == {("p/a.py", "F401"), ("q/a.py", "RET504")}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("pyproject.toml", "[tool.ruff]\nno-such-key = 1\n", "no-such-key"),
        ("pyproject.toml", "[tool.ruff\n", "pyproject.toml"),
        ("ruff.toml", 'extend = "../elsewhere.toml"\n', "ruff.toml extends ../elsewhere.toml"),
        ("ruff.toml", 'extend = "/etc/hosts"\n', "ruff.toml extends /etc/hosts"),
        ("ruff.toml", "extend = 1\n", "ruff.toml extends 1"),
        ("ruff.toml", 'required-version = "==0.0.1"\n', "Required version"),
        ("p/ruff.toml", "x = 1\n", "p/ruff.toml"),
    ],
)
async def test_nothing_is_proposed_where_it_cannot_be_read_and_that_is_said(
    tmp_path, name, text, said
):
    files = {"p/a.py": UNUSED, name: text}
    result = await measured(tmp_path, **files)
    assert result.findings == ()
    (note,) = result.notes
    assert note.startswith("The configuration of ruff cannot be read")
    assert said in note
    assert str(tmp_path) not in note
    door = {**files, "p/a.py": "exec('1')\n"}
    result = await measured(tmp_path, RuffSecurityDetector(tmp_path), **door)
    assert [each.code for each in result.findings] == ["S102"], "a door is found all the same"


async def test_a_configuration_of_no_source_does_not_matter(tmp_path):
    files = {"p/a.py": UNUSED, "tests/data/ruff.toml": "x = 1\n"}
    assert await found(tmp_path, **files)


async def test_what_flake8_is_told_and_what_comments_say_counts_here(tmp_path):
    files = {
        "setup.cfg": "[flake8]\nignore = E731\nper-file-ignores =\n    p/compat.py: F401\n",
        "p/compat.py": "import os\n\nf = lambda: 1\n",
        "p/a.py": "from x import (\n    b,\n    c,\n)  # noqa\n",
        "p/b.py": "import os  # pylint: disable=unused-import\nimport re\n",
    }
    assert await found(tmp_path, **files) == {("p/b.py", "F401")}


async def test_a_linter_that_cannot_be_read_is_named(tmp_path):
    files = {"p/a.py": UNUSED, ".flake8": "[flake8]\nignore = E1\nignore = E2\n"}
    result = await measured(tmp_path, **files)
    assert result.findings == ()
    assert "flake8" in result.notes[0]


@pytest.mark.parametrize(
    ("where", "text", "said"),
    [
        ("pyproject.toml", UNUSED, True),
        ("p/pyproject.toml", UNUSED, True),
        ("q/pyproject.toml", UNUSED, False),
        ("pyproject.toml", "x = 1\n", False),
    ],
    ids=["at the root", "in its folder", "elsewhere", "nothing to change"],
)
async def test_where_a_project_is_formatted_by_black_it_says_what_stands_in_for_it(
    tmp_path, where, text, said
):
    result = await measured(tmp_path, **{"p/a.py": text, where: "[tool.black]\n"})
    assert (STAND_IN in result.notes) is said


FORMATS = {
    "black, short lines": "[tool.black]\nline-length = 60\n",
    "black, any quotes": "[tool.black]\nskip-string-normalization = true\n",
    "black beside ruff": "[tool.black]\nline-length = 60\n[tool.ruff]\nline-length = 100\n",
    "ruff": "[tool.ruff]\nline-length = 60\n[tool.ruff.format]\nquote-style = 'single'\n",
    "none": "",
}
LONG = "first, second, third, fourth = 'first', 'second', 'third', 'fourth'\nimport os\n\n\n"
LONG += (
    "def f(first, second, third, fourth, fifth, sixth):\n    x = dict(a='b', c=first, d=second)\n"
)
LONG += "    return x, [str(each) for each in (third, fourth, fifth, sixth)], set([1, 2, first])\n"


@pytest.mark.parametrize("configuration", FORMATS.values(), ids=FORMATS)
async def test_a_formatted_project_stays_so(tmp_path, configuration):
    options = ["--config", "line-length=60"] if "line-length = 60" in configuration else []
    if not configuration or "skip" in configuration:
        options += ["--config", "format.quote-style='preserve'"]
    if "single" in configuration:
        options += ["--config", "format.quote-style='single'"]

    def formatted(text):
        command = [find_ruff_bin(), "format", "--isolated", "--quiet", *options, "-"]
        return subprocess.run(
            command, input=text, capture_output=True, text=True, check=True
        ).stdout

    before = formatted(LONG)
    place = a_repository(tmp_path / "r", **{"m.py": before, "pyproject.toml": configuration})
    repository = pygit2.Repository(str(place))
    tree = GitTree(repository, repository.head.peel(pygit2.Commit).tree_id)
    engine = served_type(tmp_path / "scratch").engine
    proposals = await proposals_of(engine, Source(tree, profile_target(tree)))
    assert len(proposals) >= 3
    for each in proposals:
        assert formatted(each.changes["m.py"][1]) == each.changes["m.py"][1], each.key
