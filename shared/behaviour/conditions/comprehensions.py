"""Edits that make a comprehension of a loop.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from shared.behaviour.code import COMPREHENSIONS, Function, same, uses
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.effects import is_simple
from shared.behaviour.evidence import is_plain_local
from shared.behaviour.place import Place
from shared.behaviour.tree import SyntaxTree, tree_around

SUSPENDING = (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)
# What a comprehension could only hold in parentheses.
LOOSE = (ast.IfExp, ast.Lambda, ast.Starred, ast.GeneratorExp)
CATCHING = (ast.Try, ast.With, ast.AsyncWith, *([ast.TryStar] if hasattr(ast, "TryStar") else []))
LEAVING = (ast.Break, ast.Continue)
PAIR = 2


@dataclass(frozen=True)
class FilledContainer:
    """An empty list or dict, and the loop right after it that does nothing but fill it.

    `key` is None for a list; `test` is the only condition under which an item is added, if any.
    """

    assign: ast.Assign
    loop: ast.For
    key: ast.expr | None
    value: ast.expr
    test: ast.expr | None

    @property
    def name(self) -> str:
        """The variable that holds the container."""
        target = self.assign.targets[0]
        assert isinstance(target, ast.Name)
        return target.id

    @property
    def parts(self) -> list[ast.expr]:
        """Everything that the loop evaluates, besides its iterable."""
        return [each for each in (self.key, self.value, self.test) if each is not None]

    def as_comprehension(self) -> ast.Assign:
        """Return the assignment of a comprehension with the same items."""
        tests = [self.test] if self.test is not None else []
        loops = [ast.comprehension(self.loop.target, self.loop.iter, tests, 0)]
        made: ast.expr = ast.ListComp(self.value, loops)
        if self.key is not None:
            made = ast.DictComp(self.key, self.value, loops)
        return ast.Assign(self.assign.targets, made)


def filled_container(assign: ast.AST, loop: ast.AST) -> FilledContainer | None:
    """Return what two statements do together, if that is to make and to fill a list or a dict."""
    if not isinstance(assign, ast.Assign) or not isinstance(loop, ast.For) or loop.orelse:
        return None
    if len(assign.targets) != 1 or not isinstance(assign.targets[0], ast.Name):
        return None
    body, test = loop.body, None
    only = body[0]
    if len(body) == 1 and isinstance(only, ast.If) and not only.orelse:
        body, test = only.body, only.test
    if len(body) != 1:
        return None
    if isinstance(assign.value, ast.List) and not assign.value.elts:
        value = _appended(body[0], assign.targets[0].id)
        return FilledContainer(assign, loop, None, value, test) if value is not None else None
    if isinstance(assign.value, ast.Dict) and not assign.value.keys:
        item = _stored(body[0], assign.targets[0].id)
        return FilledContainer(assign, loop, *item, test) if item is not None else None
    return None


def filled_by(loop: ast.For, block: Sequence[ast.stmt]) -> FilledContainer | None:
    """Return the container that a loop of a block fills; None if no statement before makes it.

    Those in between do not mention its variable, and leave no loop around them.
    """
    at = block.index(loop)
    for before in reversed(block[:at]):
        found = filled_container(before, loop)
        if found is not None:
            between = block[block.index(before) + 1 : at]
            leaving = (n for each in between for n in ast.walk(each) if isinstance(n, LEAVING))
            hidden = any(uses(each, found.name) for each in between)
            return None if hidden or next(leaving, None) is not None else found
    return None


def block_of(statement: ast.stmt, parent: ast.AST | None) -> list[ast.stmt]:
    """Return the list of statements that a statement is in, given the node around it."""
    blocks = (getattr(parent, name, []) for name in ("body", "orelse", "finalbody"))
    return next((each for each in blocks if isinstance(each, list) and statement in each), [])


def _appended(node: ast.stmt, name: str) -> ast.expr | None:
    """Return what a statement appends to the list of a variable; None if it is another one."""
    call = node.value if isinstance(node, ast.Expr) else None
    if not isinstance(call, ast.Call) or call.keywords or len(call.args) != 1:
        return None
    return call.args[0] if ast.unparse(call.func) == f"{name}.append" else None


def _stored(node: ast.stmt, name: str) -> tuple[ast.expr, ast.expr] | None:
    """Return key and value that a statement stores in the dict of a variable; else None."""
    if not isinstance(node, ast.Assign) or len(node.targets) != 1:
        return None
    target = node.targets[0]
    if not isinstance(target, ast.Subscript) or not isinstance(target.value, ast.Name):
        return None
    if target.value.id != name or isinstance(target.slice, ast.Slice | ast.Tuple):
        return None
    return target.slice, node.value


def reason_against_comprehension(found: FilledContainer, tree: SyntaxTree) -> str:
    """Return why a comprehension may do something else than the loop; empty if it cannot."""
    function = tree.function(found.loop)
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return "its variables are not those of a function"
    if tree.reads_locals(function):
        return "something in the file reads names that it does not spell"
    if not is_plain_local(found.name, function):
        return f"`{found.name}` is seen outside of the function"
    everything = [found.loop.iter, *found.parts]
    if any(uses(each, found.name) for each in (found.loop.target, *everything)):
        return f"`{found.name}` is read while it is filled"
    if why := _reason_against_parts(found, everything):
        return why
    if why := _reason_against_targets(found, function, tree):
        return why
    return _reason_against_handlers(found, function, tree)


def _reason_against_parts(found: FilledContainer, everything: Sequence[ast.expr]) -> str:
    """Return what cannot stand in a comprehension, or means something else there."""
    for node in (inner for each in everything for inner in ast.walk(each)):
        if isinstance(node, SUSPENDING):
            return f"`{ast.unparse(node)[:60]}` means something else in a comprehension"
        if isinstance(node, ast.Name) and node.id in {"super", "__class__"}:
            return "`super` means something else in a comprehension"
    loose = [found.loop.iter, *([found.test] if found.test is not None else [])]
    if any(isinstance(each, LOOSE) for each in loose) or isinstance(found.value, ast.GeneratorExp):
        return "parts of the loop need parentheses in a comprehension"
    if isinstance(found.value, ast.Starred):
        return f"`{ast.unparse(found.value)}` may be any number of items"
    return ""


def _reason_against_targets(found: FilledContainer, function: Function, tree: SyntaxTree) -> str:
    """Return why the variables of the loop, or their order, may matter; empty if they do not."""
    target = found.loop.target
    names = target.elts if isinstance(target, ast.Tuple) else [target]
    if not all(isinstance(each, ast.Name) for each in names):
        return f"`{ast.unparse(target)}` may have effects"
    variables = [each.id for each in names if isinstance(each, ast.Name)]
    for name in variables:
        if not is_plain_local(name, function) or uses(found.loop.iter, name):
            return f"`{name}` is used outside of the loop"
        if not all(_binds_itself(each, function, tree) for each in uses(function, name)):
            return f"`{name}` is used outside of the loop"
    if found.key is None:
        return ""
    # A statement evaluates the value before the key, a comprehension after it.
    early = [each for each in (found.key, found.value) if is_simple(each)]
    read = {n.id for each in early[:1] for n in ast.walk(each) if isinstance(n, ast.Name)}
    return "" if early and read <= {*variables} else "key and value are evaluated in another order"


def _binds_itself(node: ast.Name, function: Function, tree: SyntaxTree) -> bool:
    """Return whether a use of a variable is in a loop that binds it, so that it is of that loop."""
    for outer, inner in tree.around(node):
        if outer is function:
            return False
        loops = [outer] if isinstance(outer, ast.For) else []
        if isinstance(outer, COMPREHENSIONS):
            loops = [each for each in outer.generators if inner is not outer.generators[0]]  # type: ignore[misc]
        if isinstance(outer, ast.comprehension):
            loops = [outer]  # type: ignore[list-item]
        for each in loops:
            if inner is not each.iter and uses(each.target, node.id):
                return inner not in getattr(each, "orelse", ())
    return False


def _reason_against_handlers(found: FilledContainer, function: Function, tree: SyntaxTree) -> str:
    """Return where a container that is filled in part may be seen; empty if nowhere."""
    for outer, inner in tree.around(found.loop):
        if outer is function:
            return ""
        block = getattr(outer, "body", []) if isinstance(outer, CATCHING) else []
        if inner in block:
            inside = {node for each in block for node in uses(each, found.name)}
            if any(each not in inside for each in uses(function, found.name)):
                return f"`{found.name}` may be seen after an exception in the loop"
    return ""


@condition("the loop only fills a new container, and its variables are those of the loop alone")
def filled_by_loop(place: Place) -> Answer:
    """A loop that only appends to a new list makes the list of a comprehension, item by item.

    Nothing sees the container before it is complete, not even after an exception. Nothing outside
    reads the variables of the loop, which those of a comprehension are not. For a dict, the order
    in which key and value are evaluated must not matter.
    """
    found = _moved_down(place) or _side_by_side(place)
    tree = tree_around(place.code)
    reasons = [reason_against_comprehension(each, tree) for each in found]
    return next((each for each in reasons if each), HOLDS) if found else None


def _side_by_side(place: Place) -> list[FilledContainer]:
    """Return the containers of an edit in which loops follow what they fill; none if it is more."""
    old, new = [*place.before], [*place.after]
    found: list[FilledContainer] = []
    while old and new:
        if same(old[0], new[0]):
            del old[0], new[0]
            continue
        made = filled_container(*old[:PAIR]) if len(old) >= PAIR else None
        if made is None or not same(made.as_comprehension(), new[0]):
            return []
        found.append(made)
        del old[:PAIR], new[0]
    return [] if old or new else found


def _moved_down(place: Place) -> list[FilledContainer]:
    """Return the container of an edit that replaces the loop alone, or drops the empty container.

    In the latter case the comprehension is the next that mentions its variable. Else it is none.
    """
    old = place.old
    if not isinstance(old, ast.stmt) or len(place.after) > 1:
        return []
    block = block_of(old, place.parent)
    if isinstance(old, ast.For):
        found = filled_by(old, block) if block else None
        fits = found is not None and same(found.as_comprehension(), place.new)
        return [found] if found is not None and fits else []
    if place.after or not isinstance(old, ast.Assign) or not block:
        return []
    loops = (each for each in block[block.index(old) + 1 :] if isinstance(each, ast.For))
    for loop in loops:
        found = filled_by(loop, block)
        if found is not None and found.assign is old:
            return [found] if _is_next(found, place) else []
    return []


def _is_next(found: FilledContainer, place: Place) -> bool:
    """Return whether the comprehension is the first of its new block to mention its variable."""
    new_parent = place.around[-1][1]
    for name in ("body", "orelse", "finalbody"):
        old_block, block = getattr(place.parent, name, []), getattr(new_parent, name, [])
        if isinstance(old_block, list) and found.loop in old_block:
            before = old_block[: old_block.index(found.assign)]
            later = [each for each in block[len(before) :] if uses(each, found.name)]
            return bool(later) and same(later[0], found.as_comprehension())
    return False
