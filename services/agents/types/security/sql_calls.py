"""Calls that execute SQL: which driver they go to, and how it takes parameters."""

import ast
import re
from dataclasses import dataclass

import libcst as cst

from services.agents.types.security.calls import (
    Rewrite,
    add_keyword,
    in_turn,
    rewritten,
    set_argument,
)
from services.agents.types.security.code import PythonCode
from services.agents.types.security.rule import Spot
from services.agents.types.security.sql_drivers import NAMED, PERCENT, style_of
from services.agents.types.security.sql_noise import is_shown
from services.agents.types.security.sql_strings import FormattedText
from services.agents.types.security.sql_text import Parametrized, Slot, SqlValue
from shared.detectors.texts import Edits

TEXTS = frozenset({"sqlalchemy.text", "sqlalchemy.sql.text", "sqlalchemy.sql.expression.text"})
DJANGO = "django"
EXECUTES_TEXT = frozenset({"execute", "scalar", "scalars"})
IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Execution:
    """A call that executes SQL, the expression that makes its text, and the style of parameters.

    The style is empty where it is not known, or where the call passes parameters already. With
    `wrapped` the text is the argument of a function around it. A text that `is_shown` stays as it
    is, as people read it elsewhere, and the call gets one of its own.
    """

    call: ast.Call
    text: ast.expr
    style: str
    wrapped: ast.Call | None = None
    is_shown: bool = False


def execution_of(spot: Spot) -> Execution | None:
    """Return the call that executes the text of a finding directly; None where none does."""
    call = next((each for each in spot.calls() if _is_execution(spot, each)), None)
    if call is None:
        return None
    first = call.args[0]
    if isinstance(first, ast.Call) and spot.code.origin(first.func) in TEXTS:
        is_alone = len(call.args) == 1 and not call.keywords
        is_plain = len(first.args) == 1 and not first.keywords
        return Execution(call, first.args[0], NAMED if is_alone and is_plain else "", first)
    return Execution(call, first, _style(spot, call))


def _is_execution(spot: Spot, call: ast.Call) -> bool:
    """Return whether a call is one of a method that executes its first argument."""
    if not isinstance(call.func, ast.Attribute) or not call.args:
        return False
    known = call.func.attr in EXECUTES_TEXT or _is_raw_query(call.func)
    return known or bool(spot.facts.wrappers.style(call))


def _is_raw_query(method: ast.Attribute) -> bool:
    """Return whether a method is `raw` of the manager that each model of Django has."""
    owner = method.value
    return method.attr == "raw" and isinstance(owner, ast.Attribute) and owner.attr == "objects"


def _style(spot: Spot, call: ast.Call) -> str:
    """Return how the driver behind a call writes a parameter; empty where that is not known."""
    if not isinstance(call.func, ast.Attribute) or len(call.args) != 1 or call.keywords:
        return ""
    if _is_raw_query(call.func):
        return PERCENT if DJANGO in spot.facts.dependencies else ""
    if call.func.attr == "execute":
        return style_of(spot.code, call.func.value)
    return spot.facts.wrappers.style(call)


def executed_variable(spot: Spot) -> Execution | None:
    """Return the only call that executes a variable with the text of a finding; else None.

    The variable is assigned once in its function, and so is what its values are made of. All else
    that reads it shows it to people.
    """
    code = spot.code
    assigned = next((each for each in spot.nodes if isinstance(each, ast.Assign)), None)
    function = code.function_around(assigned) if assigned else None
    if assigned is None or function is None or len(assigned.targets) != 1:
        return None
    target = assigned.targets[0]
    names = [n for n in ast.walk(function) if isinstance(n, ast.Name)]
    uses = [n for n in names if isinstance(target, ast.Name) and n.id == target.id]
    reads = [each for each in uses if isinstance(each.ctx, ast.Load)]
    if len(uses) != len(reads) + 1 or _in_loop(code, assigned, function):
        return None
    calls = [each for read in reads if (each := _executing(spot, read)) is not None]
    others = [read for read in reads if _executing(spot, read) is None]
    if len(calls) != 1 or not all(is_shown(code, each) for each in others):
        return None
    style = _style(spot, calls[0]) if _is_steady(assigned.value, function) else ""
    return Execution(calls[0], assigned.value, style, is_shown=bool(others))


def _executing(spot: Spot, read: ast.Name) -> ast.Call | None:
    """Return the call that executes what a name stands for; None if none does."""
    call = spot.code.parents[read]
    is_first = isinstance(call, ast.Call) and bool(call.args) and call.args[0] is read
    return call if is_first and _is_execution(spot, call) else None  # type: ignore[arg-type,return-value]


def _in_loop(code: PythonCode, node: ast.AST, function: ast.AST) -> bool:
    """Return whether a node is in a loop of its function, so that its order is not plain."""
    for each in code.above(node):
        if each is function:
            return False
        if isinstance(each, ast.For | ast.AsyncFor | ast.While | ast.Try):
            return True
    return False


def _is_steady(value: ast.expr, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether an expression gives the same later on: it only reads names that stay bound."""
    calls = [n for n in ast.walk(value) if isinstance(n, ast.Call | ast.Await | ast.Subscript)]
    if any(not _only_formats(each) for each in calls):
        return False
    read = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
    bound = [n.id for n in ast.walk(function) if isinstance(n, ast.Name) and _is_bound(n)]
    given = [each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)]
    return all([*bound, *given].count(each) <= 1 for each in read)


def _only_formats(node: ast.AST) -> bool:
    """Return whether a node is a call of `format`, or of `str`."""
    if not isinstance(node, ast.Call):
        return False
    is_format = isinstance(node.func, ast.Attribute) and node.func.attr == "format"
    return is_format or (isinstance(node.func, ast.Name) and node.func.id == "str")


def _is_bound(name: ast.Name) -> bool:
    """Return whether a name is bound or unbound here."""
    return not isinstance(name.ctx, ast.Load)


def with_parameters(
    spot: Spot, found: Execution, text: FormattedText, statement: Parametrized
) -> Edits:
    """Return the edits that pass the values of a statement as parameters; none if unsure."""
    if found.style == PERCENT and any("%" in each for each in statement.texts):
        return ()
    values = [_as_argument(each, text.opening) for each in statement.values]
    if None in values:
        return ()
    marks, arguments = _marks(found.style, [str(each) for each in values])
    first, *others = statement.texts
    # A quote separated the words.
    apart = [first, *(f" {each}" if each[:1].isalnum() else each for each in others)]
    pieces = zip(apart, [*marks, ""], strict=True)
    written = text.written("".join(piece + mark for piece, mark in pieces))
    return _edits(spot, found, written, arguments)


def _marks(style: str, values: list[str]) -> tuple[list[str], str]:
    """Return what stands for each value in the statement, and the argument that has them all."""
    if style != NAMED:
        listed = ", ".join(values) + ("," if len(values) == 1 else "")
        return [style] * len(values), f"({listed})"
    names: list[str] = []
    for number, each in enumerate(values, 1):
        last = each.rpartition(".")[2]
        plain = last if IDENTIFIER.fullmatch(last) and last not in names else f"value_{number}"
        names.append(plain)
    items = ", ".join(f'"{name}": {value}' for name, value in zip(names, values, strict=True))
    return [f":{name}" for name in names], f"{{{items}}}"


def _edits(spot: Spot, found: Execution, written: str, arguments: str) -> Edits:
    """Return the edits that put in the statement, and pass the argument with the values."""
    code = spot.code
    add = _add_argument(arguments)
    if found.is_shown and "\n" in written:
        return ()
    if found.is_shown or found.text is found.call.args[0]:
        made = rewritten(code.segment(found.call), in_turn(set_argument(0, written), add))
        return (code.edit(found.call, made),) if made else ()
    if found.wrapped is not None:
        inner = rewritten(code.segment(found.wrapped), set_argument(0, written))
        made = inner and rewritten(code.segment(found.call), in_turn(set_argument(0, inner), add))
        return (code.edit(found.call, made),) if made else ()
    made = rewritten(code.segment(found.call), add)
    is_wrapped = code.segment(found.text).startswith("(")
    content = f"({written})" if is_wrapped and "\n" in written else written
    return (code.edit(found.text, content), code.edit(found.call, made)) if made else ()


def _as_argument(value: SqlValue, quote: str) -> str | None:
    """Return the expression for a value: its slot, or an f-string where text is around that."""
    if len(value.parts) == 1:
        assert isinstance(value.parts[0], Slot)
        return value.parts[0].expression
    inner = "".join(
        f"{{{each.expression}}}" if isinstance(each, Slot) else each for each in value.parts
    )
    slots = [each.expression for each in value.parts if isinstance(each, Slot)]
    if any(sign in each for each in slots for sign in ("'", '"', "{", "\\", "\n", "!", ":")):
        return None
    plain = '"' if '"' in quote else "'"
    return f"f{plain}{inner}{plain}"


def _add_argument(content: str) -> Rewrite:
    """Return a rewrite that passes one more positional argument."""
    add = add_keyword("parameters", content)

    def rewrite(call: cst.Call) -> cst.Call | None:
        """Add the argument in the layout that the call has."""
        made = add(call)
        if made is None:
            return None
        *before, last = made.args
        plain = last.with_changes(keyword=None, equal=cst.MaybeSentinel.DEFAULT)
        return made.with_changes(args=[*before, plain])

    return rewrite
