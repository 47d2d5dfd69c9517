"""Fifteen fixed proposals for boltons: twelve keep its behaviour, three break tests.

The good ones assign what a function returns, or the condition of an `if`, to a variable, in twelve
modules. The bad ones are mistakes that a reviewer may overlook; two of them are in modules that a
good one changes as well.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

from shared.kernel.syntax import parse
from shared.targets.patches import make_patch

# Pinned, because the edits below replace exact text of this version.
PACKAGE = "boltons==26.2.0"
GOOD_MODULES = (
    "cacheutils",
    "dictutils",
    "fileutils",
    "funcutils",
    "ioutils",
    "iterutils",
    "jsonutils",
    "setutils",
    "statsutils",
    "strutils",
    "timeutils",
    "urlutils",
)
TEES = "        try:\n            for i, t in enumerate(tees):\n"
# By module: the text to replace, its replacement, and the title.
BAD_EDITS = {
    "mathutils": (
        "    if upper < lower:\n",
        "    if upper > lower:\n",
        "swap the bounds that it checks",
    ),
    "iterutils": (
        TEES + "                for _ in range(i):\n",
        TEES + "                for _ in range(i + 1):\n",
        "begin the windows one later",
    ),
    "strutils": (
        "        # Empty String\n        elif not x:\n            continue\n\n",
        "",
        "drop a branch that looks needless",
    ),
}
COMPUTED = (ast.Call, ast.BinOp, ast.Compare)
VARIABLES = ("answer", "outcome", "produced")
# Every third good proposal extracts a condition, the others a return value.
CONDITION_EVERY = 3


@dataclass(frozen=True)
class Proposal:
    """A change of one module, its component; `bad` is whether it breaks a test."""

    module: str
    path: str
    title: str
    bad: bool
    patch: str


def proposals(tree: Path) -> list[Proposal]:
    """Return all proposals for a checkout of boltons, the bad ones spread among the good."""
    good = [_good_proposal(tree, module, number) for number, module in enumerate(GOOD_MODULES)]
    bad = [_bad_proposal(tree, module) for module in BAD_EDITS]
    every = len(good) // len(bad) + 1
    for number, each in enumerate(bad):
        good.insert(number * every + every // 2, each)
    return good


def _good_proposal(tree: Path, module: str, number: int) -> Proposal:
    """Return a proposal that keeps the behaviour of a module: it extracts a variable."""
    text = (tree / "boltons" / f"{module}.py").read_text()
    variable = next(each for each in VARIABLES if each not in text)
    is_condition = number % CONDITION_EVERY == CONDITION_EVERY - 1
    statements = _statements(text, ast.If if is_condition else ast.Return)
    statement = statements[len(statements) // 2]
    expression = _expression(statement)
    assert expression is not None
    what = "a condition" if is_condition else "what is returned"
    title = f"refactor({module}): give {what} in line {statement.lineno} a name"
    after = _extract_variable(text, statement, expression, variable)
    return _proposal(module, title, text, after, bad=False)


def _bad_proposal(tree: Path, module: str) -> Proposal:
    """Return the proposal that breaks a test of a module, from `BAD_EDITS`."""
    text = (tree / "boltons" / f"{module}.py").read_text()
    before, after, summary = BAD_EDITS[module]
    assert text.count(before) == 1
    title = f"refactor({module}): {summary}"
    return _proposal(module, title, text, text.replace(before, after), bad=True)


def _proposal(module: str, title: str, before: str, after: str, *, bad: bool) -> Proposal:
    """Return the proposal that replaces the text `before` of a module by `after`."""
    path = f"boltons/{module}.py"
    patch = make_patch({path: (before.encode(), after.encode())})
    return Proposal(module, path, title, bad, patch)


def _statements(text: str, kind: type[ast.If | ast.Return]) -> list[ast.If | ast.Return]:
    """Return the statements in functions that fill one line and compute something, by line.

    An `elif` is not one of them: no assignment can be put before it.
    """
    by_line = {
        node.lineno: node
        for function in ast.walk(parse(text))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, kind)
        and isinstance(_expression(node), COMPUTED)
        and _fills_line(text, node)
    }
    return [by_line[line] for line in sorted(by_line)]


def _expression(node: ast.If | ast.Return) -> ast.expr | None:
    """Return the condition of an `if`, or what a `return` returns; None if that is nothing."""
    return node.test if isinstance(node, ast.If) else node.value


def _fills_line(text: str, node: ast.If | ast.Return) -> bool:
    """Return whether the statement up to its colon, if any, is all that its line has."""
    line = text.splitlines()[node.lineno - 1].strip()
    source = ast.get_source_segment(text, _expression(node) or node)
    return line in {f"return {source}", f"if {source}:"}


def _extract_variable(text: str, statement: ast.stmt, part: ast.expr, name: str) -> str:
    """Return the text with a part of a statement assigned to a variable in a line before it."""
    lines = text.splitlines(keepends=True)
    line = lines[statement.lineno - 1]
    indent = line[: len(line) - len(line.lstrip())]
    source = ast.get_source_segment(text, part)
    assert source is not None
    lines[statement.lineno - 1] = f"{indent}{name} = {source}\n{line.replace(source, name, 1)}"
    return "".join(lines)
