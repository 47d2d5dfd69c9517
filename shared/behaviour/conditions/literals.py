"""Edits of how texts with literals are read.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast

from shared.behaviour.code import BINDS_ANY_NAME, ParsedFile, mentions, same
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.place import Place
from shared.kernel.syntax import parse_expression

MAX_CHARACTERS = 10_000
CONTAINERS = (ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Load)


def is_plain_literal(text: str) -> bool:
    """Return whether `eval` and `ast.literal_eval` make the same of a text, on every Python 3.7+.

    It consists of constants, negative numbers, and displays of such.
    """
    if len(text) > MAX_CHARACTERS or not text.isprintable() or text != text.strip():
        return False
    try:
        tree = parse_expression(text)
        ast.literal_eval(tree)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return False
    return all(_is_plain(node) for node in ast.walk(tree.body))


def _is_plain(node: ast.AST) -> bool:
    """Return whether a node is a constant, a display, or a part of a negative number."""
    if isinstance(node, ast.UnaryOp):
        value = node.operand.value if isinstance(node.operand, ast.Constant) else None
        return isinstance(node.op, ast.USub) and type(value) in {int, float}
    if isinstance(node, ast.Constant):
        return node.value is not ...
    return isinstance(node, (*CONTAINERS, ast.USub))


@condition("the text is a constant, in which both functions read the same literal")
def evaluated_literal(place: Place) -> Answer:
    """`ast.literal_eval` builds what `eval` does from constants, negative numbers and displays.

    The text is read here, by the same function. No name in it is looked up. `eval` is Python's own
    if nothing binds it, spelled or not: other calls of `eval` may, unless all are of such texts.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Call) or not isinstance(new, ast.Call):
        return None
    if not isinstance(old.func, ast.Name) or old.func.id != "eval" or old.keywords or new.keywords:
        return None
    if len(old.args) != 1 or len(new.args) != 1 or not same(old.args[0], new.args[0]):
        return None
    if not _is_literal_call(old):
        return f"{place.at(old.args[0])} is not evidently a literal"
    if place.code.bindings["eval"] or place.code.has_star_import:
        return "`eval` may be something else than Python's own"
    if not (_only_reads_literals(place.code) and _only_reads_literals(place.new_code)):
        return "something in the file may bind names that it does not spell"
    return HOLDS if _is_literal_eval(new.func, place.new_code) else None


def _is_literal_call(node: ast.AST) -> bool:
    """Return whether a node is a call with one argument, the text of a plain literal."""
    if not isinstance(node, ast.Call) or len(node.args) != 1 or node.keywords:
        return False
    value = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
    return isinstance(value, str) and is_plain_literal(value)


def _only_reads_literals(code: ParsedFile) -> bool:
    """Return whether all that could bind names unspelled are calls of `eval` on literals."""
    calls = [each for each in ast.walk(code.tree) if _is_literal_call(each)]
    harmless = {id(each.func) for each in calls if isinstance(each, ast.Call)}
    return all(
        isinstance(each, ast.Name) and each.id == "eval" and id(each) in harmless
        for each in mentions(code.tree, BINDS_ANY_NAME)
    )


def _is_literal_eval(node: ast.expr, code: ParsedFile) -> bool:
    """Return whether a function is `ast.literal_eval`, by an import at the top before it."""
    if not isinstance(node, ast.Attribute) or node.attr != "literal_eval":
        return False
    module = node.value.id if isinstance(node.value, ast.Name) else ""
    return code.imports.get(module) == "ast" and code.import_lines[module] < node.lineno
