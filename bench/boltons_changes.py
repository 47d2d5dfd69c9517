"""Fifteen proposals for boltons, always the same: twelve keep its behaviour, three break tests.

The good ones give a name to what a function returns, or to the condition of an `if`, in twelve modules. The bad ones are
slips that a reviewer may overlook; in two of their modules there is a good one as well.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

from shared.kernel.syntax import parse
from shared.targets.patches import make_patch

# The newest one when this was written: what is edited below is found in it.
PACKAGE = "boltons==26.2.0"
GOOD = (
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
BAD = {
    "mathutils": (
        "    if upper < lower:\n",
        "    if upper > lower:\n",
        "swap the bounds that it checks",
    ),
    "iterutils": (
        "        try:\n            for i, t in enumerate(tees):\n                for _ in range(i):\n",
        "        try:\n            for i, t in enumerate(tees):\n                for _ in range(i + 1):\n",
        "begin the windows one later",
    ),
    "strutils": (
        "        # Empty String\n        elif not x:\n            continue\n\n",
        "",
        "drop a branch that looks needless",
    ),
}
WORKED_OUT = (ast.Call, ast.BinOp, ast.Compare)
NAMES = ("answer", "outcome", "produced")
# Of the good ones each third names a condition.
THIRD = 3


@dataclass(frozen=True)
class Proposal:
    """One change of one module, which is its component."""

    module: str
    path: str
    title: str
    bad: bool
    patch: str


def proposals(tree: Path) -> list[Proposal]:
    """All of them for boltons as it is there, the bad ones among the others."""
    good = [_good(tree, module, number) for number, module in enumerate(GOOD)]
    bad = [_bad(tree, module) for module in BAD]
    every = len(good) // len(bad) + 1
    for number, each in enumerate(bad):
        good.insert(number * every + every // 2, each)
    return good


def _good(tree: Path, module: str, number: int) -> Proposal:
    text = (tree / "boltons" / f"{module}.py").read_text()
    name = next(each for each in NAMES if each not in text)
    found = _statements(text, ast.If if number % THIRD == THIRD - 1 else ast.Return)
    statement = found[len(found) // 2]
    part = _part(statement)
    assert part is not None
    what = "a condition" if isinstance(statement, ast.If) else "what is returned"
    title = f"refactor({module}): give {what} in line {statement.lineno} a name"
    return _proposal(module, title, text, _named(text, statement, part, name), bad=False)


def _bad(tree: Path, module: str) -> Proposal:
    text = (tree / "boltons" / f"{module}.py").read_text()
    before, after, what = BAD[module]
    assert text.count(before) == 1
    return _proposal(
        module, f"refactor({module}): {what}", text, text.replace(before, after), bad=True
    )


def _proposal(module: str, title: str, before: str, after: str, *, bad: bool) -> Proposal:
    path = f"boltons/{module}.py"
    patch = make_patch({path: (before.encode(), after.encode())})
    return Proposal(module, path, title, bad, patch)


def _statements(text: str, kind: type[ast.If | ast.Return]) -> list[ast.If | ast.Return]:
    """Those of a function that fill a line and have something worked out; an `elif` fills none."""
    found = {
        node.lineno: node
        for function in ast.walk(parse(text))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, kind)
        and isinstance(_part(node), WORKED_OUT)
        and _fills_line(text, node)
    }
    return [found[line] for line in sorted(found)]


def _part(node: ast.If | ast.Return) -> ast.expr | None:
    return node.test if isinstance(node, ast.If) else node.value


def _fills_line(text: str, node: ast.If | ast.Return) -> bool:
    line = text.splitlines()[node.lineno - 1].strip()
    source = ast.get_source_segment(text, _part(node) or node)
    return line in {f"return {source}", f"if {source}:"}


def _named(text: str, statement: ast.stmt, part: ast.expr, name: str) -> str:
    """The statement with a name for a part of it, which is worked out in a line above."""
    lines = text.splitlines(keepends=True)
    line = lines[statement.lineno - 1]
    indent = line[: len(line) - len(line.lstrip())]
    source = ast.get_source_segment(text, part)
    assert source is not None
    lines[statement.lineno - 1] = f"{indent}{name} = {source}\n{line.replace(source, name, 1)}"
    return "".join(lines)
