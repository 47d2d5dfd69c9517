"""The measures of size and language that keep the tree readable (CONTRIBUTING.md)."""

import ast
import re
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SOURCES = sorted(
    path
    for part in ("services", "shared", "cli", "deploy", "bench")
    for path in (ROOT / part).rglob("*.py")
)
TEXTS = [*SOURCES, *sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]
MAX_FILE_LINES, MAX_FIELDS, MAX_PUBLIC_METHODS = 300, 12, 15
# A private vocabulary that had to be learned; the glossary has the standard terms.
BANNED = re.compile(
    r"\b(desk|seat|seated|bells|at_hand|heard|weigh|telling|lacking|carriers|rehearsal|played|planted)\b",
    re.IGNORECASE,
)
# Why a class is larger: "One field per …" or "All …: …" stands in its docstring.
REASON = re.compile(r"one (field|method) per|flat", re.IGNORECASE)
PATHS = re.compile(r"`((?:services|shared|deploy|cli|bench|tests)/[\w./-]+)`")


def nodes(kind):
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, kind):
                yield path.relative_to(ROOT), node


def test_files_are_short():
    lines = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in SOURCES}
    assert {path: count for path, count in lines.items() if count > MAX_FILE_LINES} == {}


def test_functions_are_short():
    functions = nodes((ast.FunctionDef, ast.AsyncFunctionDef))
    lengths = sorted(node.end_lineno - node.lineno + 1 for _, node in functions)
    assert statistics.median(lengths) <= 8
    assert lengths[int(len(lengths) * 0.9)] <= 20


def fields(node):
    return [
        each
        for each in node.body
        if isinstance(each, ast.AnnAssign) and "ClassVar" not in ast.unparse(each.annotation)
    ]


def public_methods(node):
    functions = (
        each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return [each for each in functions if not each.name.startswith("_")]


def test_a_large_class_says_why_it_is_one():
    large = {
        f"{path}:{node.name}"
        for path, node in nodes(ast.ClassDef)
        if len(fields(node)) > MAX_FIELDS or len(public_methods(node)) > MAX_PUBLIC_METHODS
        if not REASON.search(ast.get_docstring(node) or "")
    }
    assert large == set()


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_private_vocabulary(path):
    found = [line for line in path.read_text().splitlines() if BANNED.search(line)]
    assert found == []


def test_files_that_the_documentation_names_exist():
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    named = {(page.name, name) for page in pages for name in PATHS.findall(page.read_text())}
    missing = {(page, name) for page, name in named if not (ROOT / name).exists()}
    assert missing == set()
