"""What is found out section by section is what a look at the whole file finds."""

import ast
import random
import warnings
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from services.resolver.domain import signatures
from services.validator.approval import introspection
from shared.behaviour import code
from shared.detectors.vulture import scan
from shared.kernel import syntax
from shared.targets.languages import PYTHON

ROOT = Path(__file__).parents[3]
FILES = tuple(sorted((ROOT / "shared").rglob("*.py"))[::24])
ADDED = (
    b"raise X\n",
    b"    return 1\n",
    b"import gc as q\n",
    b"from os import *\n",
    b"vars()\n",
    b"class A:\n",
    b"  x = (\n",
    b"'''\n",
    b"else:\n",
    b"@a\n",
    b"x = 1 \\\n",
    b"# coding: latin-1 \xe4\n",
)


@pytest.fixture(scope="module", autouse=True)
def no_warnings():
    """Python warns of some of the invalid code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def versions(path, chance):
    """Yield the content of a file and some versions of it, most of which are invalid."""
    content = path.read_bytes()
    yield content
    for _ in range(3):
        lines = content.splitlines(keepends=True) or [b""]
        at = chance.randrange(len(lines))
        match chance.randrange(4):
            case 0:
                del lines[at : at + 3]
            case 1:
                lines.insert(at, chance.choice(ADDED))
            case 2:
                lines[at] = b"    " + lines[at]
            case _:
                lines[at] = lines[at][: len(lines[at]) // 2] + b"\n"
        yield b"".join(lines)


ALL = [[*versions(path, random.Random(path.name))] for path in FILES]
EVERY = [content for each in ALL for content in each]


def parsed(content):
    """Return the tree of a whole file; None if it is invalid."""
    try:
        return syntax.parse(content)
    except (SyntaxError, ValueError):
        return None


def test_a_file_is_valid_if_its_sections_are():
    valid = [parsed(each) is not None for each in EVERY]
    assert [PYTHON.is_valid(each) for each in EVERY] == valid
    assert 10 < sum(valid) < len(valid) - 5, "both kinds occur"


def test_statements_after_leaving_are_found_within_and_between_sections():
    def whole(text):
        suites = (suite for suite, _ in scan.suites(parsed(text), ()))
        return any(isinstance(one, scan.LEAVING) for each in suites for one, _ in pairwise(each))

    texts = [each.decode() for each in EVERY if parsed(each) and b"coding" not in each]
    texts += ["raise A\nx = 1\n", "class A:\n    raise B\n    x = 1\n", "x = 1\nraise A\n"]
    found = [scan.has_statements_after_leaving(each) for each in texts]
    assert found == [whole(each) for each in texts]
    assert found[-3:] == [True, True, False]


def test_names_are_those_of_the_whole_file():
    for content in filter(parsed, EVERY):
        file = code.ParsedFile("m.py", content.decode(errors="replace"))
        nodes = [*ast.walk(file.tree)]
        imports = (each for each in nodes if isinstance(each, ast.ImportFrom))
        calls = (each for each in nodes if isinstance(each, ast.Call) and not each.args)
        star = any(name.name == "*" for each in imports for name in each.names)
        unspelled = any(code.mentions(file.tree, code.BINDS_ANY_NAME)) or any(
            any(code.mentions(each.func, code.VARS)) for each in calls
        )
        assert file.bindings == Counter(code.bound_names(file.tree))
        assert file.has_star_import == star
        assert file.reads_any_name == any(code.mentions(file.tree, code.READS_ANY_NAME))
        assert file.binds_any_name == (star or unspelled)


def test_signatures_and_calls_are_those_of_the_whole_file():
    for content in EVERY:
        tree = parsed(content)
        whole = signatures._facts(tree.body, 1) if tree else signatures.NOTHING_KNOWN
        found = signatures._read(content)
        assert found.signatures == whole.signatures
        assert sorted(found.calls) == sorted(whole.calls)


def test_new_introspection_is_what_the_whole_file_has_more_of():
    for each in ALL:
        texts = [content.decode(errors="replace") for content in each]
        for before, after in pairwise(texts):
            uses = [Counter(what for what, _ in introspection._uses_in(t)) for t in (before, after)]
            assert bool(introspection.new_introspection(before, after)) == bool(uses[1] - uses[0])
