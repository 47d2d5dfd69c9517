"""Edits that could change an object which something else holds as well.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast

from shared.behaviour.code import Function, ParsedFile, bound_names, same, uses
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.conditions.spelling import not_builtin
from shared.behaviour.effects import is_read, is_text
from shared.behaviour.evidence import DICT, LIST, SET, TUPLE, evident_type, is_plain_local
from shared.behaviour.place import Place

# Methods of lists, tuples, sets and dicts that change nothing and keep nothing.
READING_METHODS = frozenset({"count", "index", "keys", "values", "items", "copy", "join"})
READING_BUILTINS = frozenset(
    ("len", "sorted", "sum", "min", "max", "any", "all", "bool", "print", "list", "tuple", "set")
)
# Expressions that make a new object if they make a container.
MAKING = (
    *(ast.List, ast.ListComp, ast.Tuple, ast.Set, ast.SetComp, ast.Dict, ast.DictComp),
    *(ast.Call, ast.BinOp),
)
TRIES = (ast.Try, *([ast.TryStar] if hasattr(ast, "TryStar") else []))
# Builtins that go on reading what they are given for as long as their result is used.
LAZY_BUILTINS = frozenset({"enumerate", "zip", "reversed"})


def own_container(name: str, place: Place) -> str:
    """Return why a name may share its list with others; empty if the function alone holds it.

    The function makes it (every value that it assigns to the name is evidently new), and nowhere
    passes it on, stores it, or lets a function inside see it, but may return it at the end.
    """
    function = place.function
    if not is_plain_local(name, function) or not isinstance(
        function, ast.FunctionDef | ast.AsyncFunctionDef
    ):
        return f"`{name}` comes from outside the function"
    for node in _assignments(function, name):
        if not _is_new(node.value, name, place.code, function) or len(node.targets) > 1:
            return f"{place.at(node.value)} may be held elsewhere as well as by `{name}`"
    if not evident_type(ast.Name(name, ast.Load()), place.code, function) and not _made(
        name, function, place.code
    ):
        return f"`{name}` comes from outside the function"
    uses_of = _Uses(place, function)
    for each in uses(function, name):
        if isinstance(each.ctx, ast.Load) and not uses_of.only_reads(each):
            return f"`{name}` is passed on, kept or changed elsewhere in the function"
    return ""


def _assignments(function: ast.AST, name: str) -> list[ast.Assign]:
    """Return the assignments below `function` that have the variable `name` as a target."""
    return [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and any(_is_name(each, name) for each in node.targets)
    ]


def _is_name(node: ast.AST, name: str) -> bool:
    """Return whether a node is the variable `name`."""
    return isinstance(node, ast.Name) and node.id == name


def _is_new(value: ast.expr, name: str, code: ParsedFile, function: Function) -> bool:
    """Return whether a value is a new container, or a reversed copy of the list of the name."""
    if _is_reversed_copy(value, name):
        return True
    if not isinstance(value, MAKING):
        return False
    return evident_type(value, code, function) in {LIST, TUPLE, SET, DICT}


def _made(name: str, function: ast.FunctionDef | ast.AsyncFunctionDef, code: ParsedFile) -> bool:
    """Return whether the name is assigned lists only, and is no parameter or loop variable."""
    assigned = [node.value for node in _assignments(function, name)]
    kinds = {
        evident_type(each, code, function) for each in assigned if not _is_reversed_copy(each, name)
    }
    return [*bound_names(function)].count(name) == len(assigned) and kinds == {LIST}


class _Uses:
    """Tells what a function does with the values of its variables."""

    def __init__(self, place: Place, function: ast.AST) -> None:
        self._place = place
        self._parents = {c: p for p in ast.walk(function) for c in ast.iter_child_nodes(p)}
        tries = [each for each in ast.walk(function) if isinstance(each, TRIES)]
        self._ends_with_return = not any(getattr(each, "finalbody", ()) for each in tries)

    def only_reads(self, node: ast.Name) -> bool:
        """Return whether a use only reads what a name holds, or returns it as the last use."""
        parent = self._parents[node]
        if isinstance(parent, ast.Attribute):
            call = self._parents[parent]
            called = isinstance(call, ast.Call) and call.func is parent
            return called and parent.attr in READING_METHODS
        if isinstance(parent, ast.Subscript):
            return parent.value is node and isinstance(parent.ctx, ast.Load)
        if isinstance(parent, ast.Call):
            return node in parent.args and self._is_read_by(parent)
        if isinstance(parent, ast.For | ast.comprehension):
            return self._is_read_at_once(parent, node)
        if isinstance(parent, ast.Compare):
            membership = all(isinstance(op, ast.In | ast.NotIn) for op in parent.ops)
            return membership and parent.left is not node
        if isinstance(parent, ast.If | ast.While | ast.Assert):
            return parent.test is node
        if isinstance(parent, ast.Return):
            return self._ends_with_return
        return isinstance(parent, ast.FormattedValue)

    def _is_read_by(self, call: ast.Call) -> bool:
        """Return whether a call only reads its arguments, and keeps none of them."""
        called, parent = call.func, self._parents[call]
        if not isinstance(called, ast.Name):
            return _joins(call)
        if not self._place.is_builtin(called.id):
            return False
        if called.id not in LAZY_BUILTINS:
            return called.id in READING_BUILTINS
        if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name):
            return self._place.is_builtin(parent.func.id) and parent.func.id in READING_BUILTINS
        return isinstance(parent, ast.For) and self._is_read_at_once(parent, call)

    def _is_read_at_once(self, loop: ast.AST, node: ast.AST) -> bool:
        """Return whether a loop runs over `node` and is over by the time of the edit."""
        if isinstance(loop, ast.comprehension):
            lazy = isinstance(self._parents[loop], ast.GeneratorExp)
            return loop.iter is node and not lazy and not loop.is_async
        around = any(each is loop for each in self._place.parents)
        return isinstance(loop, ast.For) and loop.iter is node and not around


def _joins(call: ast.Call) -> bool:
    """Return whether a call is one of the method `join` of a text literal."""
    called = call.func
    return isinstance(called, ast.Attribute) and called.attr == "join" and is_text(called.value)


def _is_reversed_copy(value: ast.expr, name: str) -> bool:
    """Return whether a value is `name[::-1]` or `list(reversed(name))`."""
    if isinstance(value, ast.Subscript):
        return _is_name(value.value, name) and ast.unparse(value.slice) == "::-1"
    return ast.unparse(value) == f"list(reversed({name}))"


@condition("the function made the list, and nothing else ever holds it")
def reversed_in_place(place: Place) -> Answer:
    """`x = x[::-1]` makes another list, `x.reverse()` changes the one that others may hold.

    Where the function made the list itself and only reads it, nobody else holds it.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Assign) or not isinstance(new, ast.Expr) or len(old.targets) != 1:
        return None
    target = old.targets[0]
    if not isinstance(target, ast.Name) or not _is_reversed_copy(old.value, target.id):
        return None
    if ast.unparse(new) != f"{target.id}.reverse()":
        return None
    for each in (ast.Name("list", ast.Load()), ast.Name("reversed", ast.Load())):
        if isinstance(old.value, ast.Call) and (why := not_builtin(place, each)):
            return why
    return own_container(target.id, place)


@condition("the function made the container, and nothing changes it while it is iterated")
def iterated_directly(place: Place) -> Answer:
    """`for x in list(y)` runs over a copy, which does not change with `y`.

    Where the function made `y` itself and only reads it, `y` does not change either.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Call) or not isinstance(old.func, ast.Name) or old.keywords:
        return None
    if old.func.id not in {"list", "tuple"} or len(old.args) != 1 or not same(old.args[0], new):
        return None
    parent = place.parent
    if not isinstance(parent, ast.For | ast.comprehension) or parent.iter is not old:
        return None
    if isinstance(parent, ast.comprehension) and parent.is_async:
        return None
    if isinstance(new, ast.Name):
        made = _assignments(place.function, new.id) if place.function else []
        if any(_is_reversed_copy(each.value, new.id) for each in made):
            return f"`{new.id}` is reversed in the function"
        return own_container(new.id, place) or not_builtin(place, old.func)
    kinds = {LIST, TUPLE}
    if isinstance(new, ast.List | ast.Tuple) or evident_type(new, place.code, None) in kinds:
        return not_builtin(place, old.func)
    return f"{place.at(old.args[0])} may change while it is iterated"


@condition("both operands are evidently lists, or both tuples")
def unpacked_sum(place: Place) -> Answer:
    """`a + [b]` asks `a` how to add, `[*a, b]` iterates over it.

    For lists both give a new list with the same items in the same order, and for tuples a tuple.
    The items of a variable are taken before what follows is evaluated, so that must only read.
    To unpack `list(b)`, with Python's own `list`, is to unpack `b`.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.BinOp) or not isinstance(old.op, ast.Add):
        return None
    if not isinstance(new, ast.List | ast.Tuple):
        return None
    expected = [ast.dump(each) for each in _flat_items(old)]
    if expected != [ast.dump(each) for each in _flat_items(new)]:
        return None
    kind = LIST if isinstance(new, ast.List) else TUPLE
    items = _flat_items(old)
    first = next((n for n, each in enumerate(items) if _is_unpacked_name(each)), len(items))
    for each in items[first:]:
        if not is_read(each.value if isinstance(each, ast.Starred) else each):
            return f"{place.at(each)} is evaluated after the items before it are taken"
    for operand in _operands(old):
        if evident_type(operand, place.code, place.function) != kind:
            return f"{place.at(operand)} is not evidently a {kind}"
        if _copied(operand) is not operand and isinstance(operand, ast.Call):
            answer = not_builtin(place, operand.func)
            if answer is not HOLDS:
                return answer
    return HOLDS


def _copied(node: ast.expr) -> ast.expr:
    """Return the one value that `list` or `tuple` is called with, else the node itself."""
    match node:
        case ast.Call(ast.Name("list" | "tuple"), [value], []) if not isinstance(
            value, ast.Starred
        ):
            return value
    return node


def _is_unpacked_name(node: ast.expr) -> bool:
    """Return whether an item of a display is a variable that is unpacked."""
    return isinstance(node, ast.Starred) and isinstance(node.value, ast.Name)


def _operands(node: ast.expr) -> list[ast.expr]:
    """Return the operands of nested additions from left to right; else the node alone."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_operands(node.left), *_operands(node.right)]
    return [node]


def _flat_items(node: ast.expr) -> list[ast.expr]:
    """Return the items of a sum or display, displays inside written out, other operands starred."""
    found: list[ast.expr] = []
    for operand in _operands(node):
        if not isinstance(operand, ast.List | ast.Tuple):
            found.append(ast.Starred(_copied(operand), ast.Load()))
            continue
        for each in operand.elts:
            inner = _copied(each.value) if isinstance(each, ast.Starred) else None
            if isinstance(inner, ast.List | ast.Tuple):
                found += _flat_items(inner)
            else:
                found.append(ast.Starred(inner, ast.Load()) if inner is not None else each)
    return found
