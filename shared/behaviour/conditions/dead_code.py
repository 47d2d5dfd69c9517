"""Edits that remove what nothing uses and nothing reaches.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast
import re

from shared.behaviour.changed_imports import TESTS
from shared.behaviour.code import FUNCTIONS, bound_names
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.conditions.reflection import NO_NAMES
from shared.behaviour.import_effects import effect_of_statement
from shared.behaviour.place import Place

LEAVING = (ast.Return, ast.Raise, ast.Break, ast.Continue)
SUSPENDING = (ast.Yield, ast.YieldFrom, ast.Global, ast.Nonlocal)
PLAIN_BASES = frozenset({"object", "Exception", "ValueError", "TypeError", "RuntimeError"})
WORD = re.compile(r"\w+")
MAX_REASON_CHARACTERS = 60


@condition("no file of the repository mentions what is removed, and defining it has no effect")
def unused_definition(place: Place) -> Answer:
    """A private or local function, method or class that nobody names can only be found unspelled.

    No file has its name any more, not even in a comment, nor a part of it from which code could put
    it together; and nothing lists the names of the module. Its decorators and bases are Python's
    own, and so are the bases of its class, so that nothing looks at what is defined or calls it.
    """
    if place.after or not place.before:
        return None
    for node in place.before:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return None
        if why := _effect(node, place) or _reason_used(node.name, place):
            return why
    return NO_NAMES if place.new_code.reads_any_name else HOLDS


def _effect(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, place: Place) -> str:
    """Return what a definition does besides binding its name; empty if nothing."""
    if why := effect_of_statement(node):
        return f"defining `{node.name}` {why}"
    used = {each.id for each in node.decorator_list if isinstance(each, ast.Name)} | _bases(node)
    if foreign := next((each for each in used if not place.is_builtin(each)), ""):
        return f"`{foreign}` is not Python's own"
    owner = place.parent
    if not isinstance(owner, ast.ClassDef):
        return ""
    if owner.keywords or owner.decorator_list or not _bases(owner) <= PLAIN_BASES:
        return f"a base or decorator of `{owner.name}` may look at what is in it"
    return "" if all(map(place.is_builtin, _bases(owner))) else "a base is not Python's own"


def _bases(node: ast.AST) -> set[str]:
    """Return the bases of a class as they are written; nothing for a function."""
    return {ast.unparse(each) for each in getattr(node, "bases", ())}


def _reason_used(name: str, place: Place) -> str:
    """Return why something may use a name; empty if nothing does."""
    path = place.code.path
    if TESTS.search(path):
        return "tests and fixtures are found by their names"
    if name in WORD.findall(place.new_code.text):
        return f"`{name}` is mentioned in the file"
    if place.function is not None:
        return ""
    if name.startswith("__") or name.endswith("_") or not name.startswith("_"):
        return f"`{name}` is no private name"
    if _may_read_computed_names(place):
        return "the file reads attributes by computed names"
    return place.taken.mentioned(path, name)


def _may_read_computed_names(place: Place) -> bool:
    """Return whether the file calls `getattr` or the like with a name that is not a literal."""
    calls = [node for node in ast.walk(place.new_code.tree) if isinstance(node, ast.Call)]
    asked = [e for e in calls if isinstance(e.func, ast.Name) and e.func.id in ATTRIBUTE_CALLS]
    others = {"attrgetter", "methodcaller", "__getattribute__"}
    words = set(WORD.findall(place.new_code.text))
    return bool(words & others) or any(
        len(e.args) < 2 or not isinstance(e.args[1], ast.Constant) for e in asked
    )


ATTRIBUTE_CALLS = frozenset({"getattr", "hasattr", "setattr", "delattr"})


@condition("what is removed comes after a statement that always leaves the block")
def unreachable_statements(place: Place) -> Answer:
    """Nothing after `return`, `raise`, `break` or `continue` in a block ever runs.

    Such statements may still say what a name means, or that the function is a generator. So they
    must not yield, nor declare a name, and a name that they bind is bound elsewhere in the function
    as well, or not used there at all.
    """
    if place.after or not place.before:
        return None
    first = place.before[0]
    block = next((each for each in _blocks(place.parent) if any(first is e for e in each)), [])
    at = next((n for n, each in enumerate(block) if each is first), 0)
    if not at or not isinstance(block[at - 1], LEAVING):
        return None
    if any(isinstance(e, SUSPENDING) for node in place.before for e in ast.walk(node)):
        return "it says that the function is a generator, or where a name is"
    if place.function is None:
        return HOLDS
    return _reason_rebound(place)


def _reason_rebound(place: Place) -> str:
    """Return which name of the function may mean something else without what is removed."""
    function, left = place.function, place.new_function
    if left is None or not isinstance(function, FUNCTIONS):
        return "the function is not there any more"
    bound = {name for node in place.before for name in bound_names(node)}
    still = {*bound_names(left)}
    words = set(WORD.findall(ast.unparse(left)))
    lost = sorted(name for name in bound - still if name in words)
    if lost:
        return f"`{lost[0]}` would mean something else in the function"
    return NO_NAMES if bound - still and place.code.reads_any_name else HOLDS


def _blocks(node: ast.AST) -> list[list[ast.AST]]:
    """Return the blocks of statements that a node directly has."""
    found = [value for _, value in ast.iter_fields(node) if isinstance(value, list)]
    return [each for each in found if each and isinstance(each[0], ast.stmt)]
