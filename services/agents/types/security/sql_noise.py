"""SQL that only looks dangerous: made of constants, or given to something that runs none."""

import ast
import re

from services.agents.types.security.code import PythonCode, text_of
from services.agents.types.security.rule import Spot
from services.agents.types.security.sql_strings import take_apart
from services.agents.types.security.sql_text import Slot

# What models name their tables by.
TABLE = re.compile(r"^[\w.]+\.(?:__tablename__|_meta\.db_table)$")
# Functions that show what they are given, and run none of it.
SHOWS = re.compile(
    r"(?:^|\.)(?:p?print|echo|debug|info|warn(?:ing)?|error|exception|critical|log|flash|jsonify"
    r"|render(?:_template)?)$"
)
# Names of functions that may run SQL that they are given.
RUNS_SQL = re.compile(r"execut|query|sql|raw|text|fetch|select|prepare|run|cursor|db\.|conn")


def is_of_constants(spot: Spot) -> bool:
    """Return whether the text of a finding is put together of literals and constants."""
    outer = next((each for each in spot.nodes[::-1] if _is_put_together(each)), None)
    text = take_apart(spot.code.segment(outer)) if outer is not None else None
    if text is None:
        return False
    slots = [each.expression for each in text.parts if isinstance(each, Slot)]
    return all(_is_constant_name(spot, each) for each in slots)


def _is_put_together(node: ast.AST) -> bool:
    """Return whether a node may put a text together."""
    is_format = isinstance(node, ast.Call) and _formats(node)
    return is_format or isinstance(node, ast.JoinedStr | ast.BinOp)


def _is_constant_name(spot: Spot, expression: str) -> bool:
    """Return whether an expression is a constant text of the file, or names a model's table."""
    if TABLE.search(expression):
        return True
    values = [
        each.value
        for each in spot.code.tree.body
        if isinstance(each, ast.Assign) and [*map(ast.unparse, each.targets)] == [expression]
    ]
    is_upper = expression.isidentifier() and expression.isupper()
    return is_upper and len(values) == 1 and text_of(values[0]) is not None


def is_passed_elsewhere(spot: Spot) -> bool:
    """Return whether the text is an argument of a function that runs no SQL, such as a log."""
    call = next((each for each in spot.calls() if not _formats(each)), None)
    name = ast.unparse(call.func).lower() if call is not None else ""
    return bool(name) and not RUNS_SQL.search(name)


def is_shown(code: PythonCode, read: ast.Name) -> bool:
    """Return whether a name is read only to be shown to people, as in a log or on a page."""
    calls = (each for each in code.above(read) if isinstance(each, ast.Call))
    call = next((each for each in calls if not _formats(each)), None)
    return call is not None and bool(SHOWS.search(ast.unparse(call.func)))


def is_only_shown(spot: Spot) -> bool:
    """Return whether the text is assigned to a variable of a function that is only shown."""
    assigned = next((each for each in spot.nodes if isinstance(each, ast.Assign)), None)
    function = spot.code.function_around(assigned) if assigned else None
    if assigned is None or function is None or len(assigned.targets) != 1:
        return False
    target = assigned.targets[0]
    reads = [
        each
        for each in ast.walk(function)
        if isinstance(each, ast.Name)
        and isinstance(target, ast.Name)
        and each.id == target.id
        and isinstance(each.ctx, ast.Load)
    ]
    return bool(reads) and all(is_shown(spot.code, each) for each in reads)


def _formats(call: ast.Call) -> bool:
    """Return whether a call only puts texts together."""
    return isinstance(call.func, ast.Attribute) and call.func.attr in {"format", "join", "strip"}
