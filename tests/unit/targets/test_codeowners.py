"""Components from CODEOWNERS, by the rules of GitHub and of GitLab."""

import pytest
from codeowners import CodeOwners

from shared.targets.codeowners import components_of_codeowners
from shared.targets.components import component_of
from tests.support.trees import FakeTree


def found(text):
    return components_of_codeowners(FakeTree({"CODEOWNERS": text}))


def owners(text):
    return {each.name: each.owners for each in found(text)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("* @all\n/a/ @ann # was @old\nb/ @bob\n", {"a": ("@ann",), "b": ("@bob",)}),
        ("/a/ @x @org/team me@example.org nobody\n", {"a": ("@x", "@org/team", "me@example.org")}),
        ("/a/ @first\n/a/ @last\n", {"a": ("@last",)}),
        ("/a/ @x\n/a/b/\n", {"a": ("@x",)}),
        ("/my\\ docs/ @x\n", {"my docs": ("@x",)}),
        ("# /a/ @x\n  # @y\n\n", {}),
        ("/a[/ @x\n/b/ @y\n/c[]/ @z\n", {"b": ("@y",)}),
        ("[Docs]\n/a/ @x\n", {"a": ("@x",)}),
        ("^[Docs]\n/a/ @x\n", {"a": ("@x",)}),
        ("[Docs][2]\n/a/ @x\n", {"a": ("@x",)}),
        ("[Doc Team] @d @e\n/a/\n/b/ @x\n", {"a": ("@d", "@e"), "b": ("@x",)}),
        ("^[Docs][2] @d\n/a/\n", {"a": ("@d",)}),
        ("[Docs] @d\n/a/\n[Code]\n/b/\n", {"a": ("@d",)}),
        ("[A]\n/a/ @x\n[B]\n/a/ @y\n", {"a": ("@x", "@y")}),
        ("[A]\n/a/ @x\n[B]\n/b/ @z\n[a]\n/a/ @y\n", {"b": ("@z",), "a": ("@y",)}),
        ("[A] @x\n/a/\n!/a/gen/\n", {"a": ("@x",)}),
        ("/a/ @@maintainer\n", {"a": ("@@maintainer",)}),
    ],
)
def test_each_owned_part_is_a_component(text, expected):
    assert owners(text) == expected


def test_a_part_in_several_sections_has_the_patterns_of_all():
    [part] = found("[A]\n/a/ @x\n[B]\na/* @y\n")
    assert part.paths == ("/a/", "a/*")
    assert part.reason == "/a/ and a/* is owned by @x @y"


PLAIN = "*.js @js\n/src/ @src\n/src/web/ @web\nlib/ @lib\n/src/web/*.py @py\n"


@pytest.mark.parametrize(
    "path",
    ["a.js", "src/m.py", "src/web/x.js", "src/web/m.py", "src/web/d/m.py", "d/lib/m.py", "m.py"],
)
def test_a_file_belongs_to_the_component_whose_owners_the_library_names(path):
    components = found(PLAIN)
    owner = {each.name: each.owners for each in components}.get(component_of(path, components), ())
    assert owner == tuple(name for _, name in CodeOwners(PLAIN).of(path))


def test_the_first_file_that_is_there_counts():
    files = {".github/CODEOWNERS": "/a/ @a\n", "CODEOWNERS": "/b/ @b\n"}
    assert [each.name for each in components_of_codeowners(FakeTree(files))] == ["a"]
