"""Who owns a file, which patterns cover a set of files, and which modules import each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.targets.components import Component
from shared.targets.modules import import_clusters
from shared.targets.ownership import cover, overlapping, owned_files
from shared.targets.paths import literal_pattern, matches
from tests.support.trees import FakeTree

NAMES = st.text(st.sampled_from("ab*?[]! \\#é."), min_size=1, max_size=4).filter(
    lambda name: name not in {".", ".."}
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


@given(PATHS, PATHS)
def test_a_literal_pattern_covers_its_own_path_only(path, other):
    pattern = (literal_pattern(path),)
    assert matches(path, pattern)
    assert matches(other, pattern) == (other == path or other.startswith(f"{path}/"))


def without_files_as_folders(paths):
    return {each for each in paths if not any(other.startswith(f"{each}/") for other in paths)}


@given(st.sets(PATHS, min_size=1, max_size=8).map(without_files_as_folders), st.data())
def test_a_cover_covers_these_files_and_no_other(paths, data):
    mine = data.draw(st.sets(st.sampled_from(sorted(paths)), min_size=1))
    patterns = cover(mine, paths - mine)
    assert {path for path in paths if matches(path, patterns)} == mine


@pytest.mark.parametrize(
    ("mine", "others", "patterns"),
    [
        (["p/a.py", "p/b.py"], [], ("/p/",)),
        (["p/a.py", "p/s/b.py", "p/s/c.py"], ["p/d.py"], ("/p/a.py", "/p/s/")),
        (["a.py"], [], ("/a.py",)),
    ],
)
def test_whole_folders_are_covered_by_one_pattern(mine, others, patterns):
    assert cover(mine, others) == patterns


def test_of_overlapping_components_the_wider_one_is_named():
    wide = Component(name="wide", paths=("/a/",), source="x")
    narrow = Component(name="narrow", paths=("/a/b/",), source="x")
    owned = owned_files(["a/x.py", "a/b/y.py", "c.py"], [wide, narrow])
    assert owned == {"wide": ("a/x.py",), "narrow": ("a/b/y.py",), "": ("c.py",)}
    assert overlapping(owned, [wide, narrow]) == {"wide": ("narrow",)}


def clusters(**files):
    content = {f"{name.replace('__', '/')}.py": text for name, text in files.items()}
    found = import_clusters(FakeTree(content), sorted(content))
    return [each for each in found if len(each) > 1]


class TestModulesThatImportEachOther:
    def test_those_in_a_cycle_are_one_cluster(self):
        assert clusters(a="import b", b="from c import x", c="import a", d="import a") == [
            ("a.py", "b.py", "c.py")
        ]

    def test_a_chain_is_none(self):
        assert clusters(a="import b", b="import c", c="") == []

    def test_two_cycles_of_which_one_imports_the_other_are_two(self):
        found = clusters(a="import b\nimport c", b="import a", c="import d", d="import c")
        assert found == [("a.py", "b.py"), ("c.py", "d.py")]

    def test_imports_inside_a_package_are_followed_in_every_form(self):
        content = {
            "src/p/__init__.py": "from .a import x\nfrom .b import y",
            "src/p/a.py": "from . import b",
            "src/p/b.py": "from p.s.c import z",
            "src/p/s/__init__.py": "",
            "src/p/s/c.py": "from ..a import x",
            "src/p/d.py": "import p",
        }
        found = import_clusters(FakeTree(content), sorted(content))
        assert [each for each in found if len(each) > 1] == [
            ("src/p/a.py", "src/p/b.py", "src/p/s/c.py")
        ]

    def test_what_cannot_be_parsed_or_is_no_python_stands_alone(self):
        content = {"a.py": "import b", "b.py": "import a; (", "c.js": "import 'a'"}
        found = import_clusters(FakeTree(content), sorted(content))
        assert found == (("a.py",), ("b.py",), ("c.js",))
