"""What vulture finds in one file, as far as one file can tell."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from vulture.core import Item, Vulture
from vulture.noqa import parse_noqa

from shared.kernel.sections import (
    MAX_REMEMBERED_SECTIONS,
    TextSection,
    is_valid,
    split_sections,
    statements_of,
)
from shared.kernel.syntax import parse

MAX_REMEMBERED_FILES = 4096
CODES = {
    "class": "V101",
    "function": "V103",
    "method": "V105",
    "property": "V106",
    "unreachable_code": "V201",
}
DEFINED = re.compile(r"\b(?:def|class)\s+(\w+)")
# Definitions in functions, as far as a quick look can tell them from methods.
LOCAL = re.compile(r"^[ \t]+(?:async\s+)?def\s+(\w+)\s*\(\s*(?!self\b|cls\b)", re.MULTILINE)
LEAVING = (ast.Return, ast.Raise, ast.Break, ast.Continue)
Suite = list[ast.stmt]
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class VultureChoices:
    """What `[tool.vulture]` of a target leaves out: names and decorators, as patterns."""

    ignore_names: tuple[str, ...] = ()
    ignore_decorators: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class DeadCode:
    """Statements that may be dead: `nodes` of `suite`, a block of `owner`, found by a rule.

    `outer` are the nodes around them, the innermost last.
    """

    code: str
    name: str
    message: str
    nodes: tuple[ast.stmt, ...]
    suite: Suite
    outer: tuple[ast.AST, ...]

    @property
    def owner(self) -> ast.AST:
        """The node that has the block: a module, a class, a function, or a statement."""
        return self.outer[-1]


@lru_cache(maxsize=MAX_REMEMBERED_FILES)
def scan(path: str, text: str, choices: VultureChoices) -> tuple[DeadCode, ...]:
    """Return the definitions that the file itself does not use, and its unreachable statements.

    There are none in a file that cannot be parsed. Vulture only parses, and runs nothing.
    """
    try:
        tree = parse(text)
        found = _run(tree, path, text, choices)
        places = {(type(each.nodes[0]), _first_line(each.nodes[0])): each for each in _places(tree)}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    definitions = [*found.defined_classes, *found.defined_funcs]
    definitions += [*found.defined_methods, *found.defined_props]
    unused = [each for each in definitions if each.name not in found.used_names]
    wanted = {(each.first_lineno, each.name): each for each in unused}
    dead = [
        _definition(each, wanted[key])
        for each in places.values()
        if (key := (_first_line(each.nodes[0]), each.name)) in wanted
    ]
    rows = {each.first_lineno: each for each in found.unreachable_code}
    return tuple(sorted([*dead, *_unreachable(tree, rows)], key=lambda e: e.nodes[0].lineno))


@lru_cache(maxsize=MAX_REMEMBERED_FILES)
def has_statements_after_leaving(text: str) -> bool:
    """Return whether anything follows a statement that always leaves its block.

    It is a quick look, as vulture takes much longer.
    """
    try:
        sections = split_sections(text)
        return is_valid(text) and (
            any(map(_leaves_inside, sections))
            or any(_leaves_at_end(one, goes_on=other.in_class) for one, other in pairwise(sections))
        )
    except RecursionError:
        return False


@lru_cache(maxsize=MAX_REMEMBERED_SECTIONS)
def _leaves_inside(section: TextSection) -> bool:
    """Return whether anything follows a statement that leaves its block within a section."""
    nodes = statements_of(section)
    blocks = [nodes, *(suite for node in nodes for suite, _ in suites(node, ()))]
    return any(isinstance(one, LEAVING) for block in blocks for one, _ in pairwise(block))


def _leaves_at_end(section: TextSection, *, goes_on: bool) -> bool:
    """Return whether the last statement of a section leaves the block of the section below.

    That is the body of the section's class, which `goes_on` there, or the module.
    """
    last = next(reversed(statements_of(section)), None)
    if goes_on and isinstance(last, ast.ClassDef) and not section.in_class:
        last = last.body[-1]
    return isinstance(last, LEAVING)


@lru_cache(maxsize=MAX_REMEMBERED_FILES)
def defined_names(text: str, *, published: bool) -> frozenset[str]:
    """Return what may be the names of definitions in a file, by a quick look.

    Of what is `published` only those that are private or in a function.
    """
    names = DEFINED.findall(text)
    if published:
        names = [*(each for each in names if each.startswith("_")), *LOCAL.findall(text)]
    return frozenset(names)


def _run(tree: ast.Module, path: str, text: str, choices: VultureChoices) -> Vulture:
    """Let vulture visit a parsed file; its own `scan` prints what it cannot parse."""
    vulture = Vulture(
        ignore_names=choices.ignore_names, ignore_decorators=choices.ignore_decorators
    )
    vulture.filename = Path("/", path)
    vulture.code = text.splitlines()
    vulture.noqa_lines = parse_noqa(vulture.code)
    vulture.visit(tree)
    return vulture


def _first_line(node: ast.stmt) -> int:
    """Return the line of a statement, or of its first decorator."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])


def _places(tree: ast.Module) -> Iterator[DeadCode]:
    """Yield every definition in a file with the block that it is in, not judged yet."""
    for suite, outer in suites(tree, ()):
        for node in suite:
            if isinstance(node, Definition):
                yield DeadCode("", node.name, "", (node,), suite, outer)


def suites(
    node: ast.AST, outer: tuple[ast.AST, ...]
) -> Iterator[tuple[Suite, tuple[ast.AST, ...]]]:
    """Yield every block of statements below a node, with the nodes around it."""
    around = (*outer, node)
    for _, value in ast.iter_fields(node):
        if not isinstance(value, list) or not value:
            continue
        if isinstance(value[0], ast.stmt):
            yield value, around
        for each in value:
            if isinstance(each, ast.stmt | ast.ExceptHandler | ast.match_case):
                yield from suites(each, around)


def _definition(place: DeadCode, item: Item) -> DeadCode:
    """Return a definition that vulture reports."""
    message = f"The {item.typ} `{item.name}` is not used."
    return DeadCode(CODES[item.typ], item.name, message, place.nodes, place.suite, place.outer)


def _unreachable(tree: ast.Module, rows: dict[int, Item]) -> Iterator[DeadCode]:
    """Yield the statements that vulture reports after one that always leaves its block."""
    for suite, outer in suites(tree, ()):
        for number, (before, node) in enumerate(pairwise(suite), 1):
            if isinstance(before, LEAVING):
                if (item := rows.get(_first_line(node))) is not None:
                    message = f"{item.message[0].upper()}{item.message[1:]}."
                    yield DeadCode(CODES[item.typ], "", message, (*suite[number:],), suite, outer)
                break
