"""The registry of languages, and components that have files of none of them."""

import json

import pytest

from shared.targets.languages import (
    JAVASCRIPT,
    LANGUAGES,
    PYTHON,
    WORKFLOW,
    invalid_reason,
    language_by_name,
    language_of,
)
from shared.targets.profile import profile_target
from tests.support.trees import FakeTree

EXPORTED = {"nodes": [{"type": "n8n-nodes-base.start"}], "connections": {}}
A_WORKFLOW = json.dumps(EXPORTED)


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("pkg/m.py", PYTHON),
        ("m.pyi", None),
        ("a.js", JAVASCRIPT),
        ("a.mts", JAVASCRIPT),
        ("a.d.ts", None),
        ("lib/jquery.min.js", None),
        ("flows/order.json", WORKFLOW),
        ("README.md", None),
        ("py", None),
    ],
)
def test_a_path_is_named_like_a_file_of_one_language(path, language):
    assert language_by_name(path) is language


def test_the_languages_have_different_names_and_suffixes():
    suffixes = [suffix for each in LANGUAGES for suffix in each.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert len({each.name for each in LANGUAGES}) == len(LANGUAGES)


@pytest.mark.parametrize(
    ("content", "is_workflow"),
    [
        (A_WORKFLOW, True),
        (json.dumps([EXPORTED, EXPORTED]), True),
        (json.dumps({"nodes": [], "connections": {}}), True),
        (json.dumps({"nodes": [{}], "connections": {}}), False),
        (json.dumps({"nodes": [], "connections": []}), False),
        (json.dumps({"name": "a package"}), False),
        ("[]", False),
        ("{", False),
        ("[" * 100_000, False),
    ],
)
def test_json_is_a_workflow_by_its_content(content, is_workflow):
    found = language_of("a.json", content.encode())
    assert (found is WORKFLOW) == is_workflow


@pytest.mark.parametrize(
    ("path", "content", "is_valid"),
    [
        ("m.py", b"x = 1\n", True),
        ("m.py", b"x = \n", False),
        ("m.py", b"\0", False),
        ("a.json", b"{}", True),
        ("a.json", b"{", False),
        ("a.json", b"\xff", False),
        ("a.js", b"function {", True),
    ],
)
def test_code_is_valid_where_its_parser_takes_it_or_there_is_none(path, content, is_valid):
    assert language_by_name(path).is_valid(content) == is_valid


def test_a_file_that_cannot_be_parsed_is_named_with_its_syntax():
    assert invalid_reason("a/m.py") == "a/m.py would not be valid Python"
    assert invalid_reason("a.json") == "a.json would not be valid JSON"


def test_a_suffix_is_taken_off_its_own_language_only():
    assert PYTHON.without_suffix("a/m.py") == "a/m"
    assert PYTHON.without_suffix("a/m.js") == "a/m.js"


def names(files):
    return [each.name for each in profile_target(FakeTree(files)).components]


def test_a_configured_component_may_have_files_of_no_language():
    config = "".join(
        f'[[component]]\nname = "{name}"\npaths = ["/{name}/"]\n'
        for name in ("code", "sql", "empty", "tests")
    )
    files = {"code/m.py": "", "sql/q.sql": "", "tests/test_m.py": "", "groundswell.toml": config}
    assert names(files) == ["code", "sql"]


def test_a_part_with_code_owners_is_a_component_where_it_has_source_of_any_language():
    owners = "/api/ @a\n/web/ @w\n/flows/ @f\n/data/ @d\n/docs/ @t\n"
    files = {
        "CODEOWNERS": owners,
        "api/m.py": "",
        "web/a.ts": "",
        "flows/order.json": A_WORKFLOW,
        "data/rows.json": "[1, 2]",
        "docs/intro.md": "",
    }
    assert names(files) == ["api", "web", "flows"]


def test_folders_of_workflows_are_the_components_of_a_target_without_other_code():
    files = {"flows/order.json": A_WORKFLOW, "data/rows.json": "[]", "README.md": ""}
    assert names(files) == ["flows"]


def test_beside_inferred_components_of_python_only_folders_of_workflows_are_components():
    files = {"pkg/__init__.py": "", "flows/order.json": A_WORKFLOW, "web/a.ts": ""}
    assert names(files) == ["flows", "pkg"]
