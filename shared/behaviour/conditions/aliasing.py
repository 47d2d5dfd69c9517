"""Edits that could change an object which something else holds as well."""

import ast

from shared.behaviour.code import Function, ParsedFile, same, uses
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.conditions.spelling import not_builtin
from shared.behaviour.evidence import DICT, LIST, SET, TUPLE, evident_type, is_plain_local
from shared.behaviour.place import Place

# Methods of lists, tuples, sets and dicts that change nothing and keep nothing.
READING_METHODS = frozenset({"count", "index", "keys", "values", "items", "copy", "join"})
READING_BUILTINS = frozenset(
    ("len", "sorted", "sum", "min", "max", "any", "all", "bool", "print", "list", "tuple", "set")
) | {"enumerate", "zip", "reversed"}


def own_container(name: str, place: Place) -> str:
    """Return why a name may share its list with others; empty if the function alone holds it.

    The function makes it (every value that it assigns to the name is evidently new), and nowhere
    passes it on, returns it, stores it, or lets a function inside see it.
    """
    function = place.function
    if not is_plain_local(name, function) or not isinstance(
        function, ast.FunctionDef | ast.AsyncFunctionDef
    ):
        return f"`{name}` comes from outside the function"
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and any(_is_name(each, name) for each in node.targets):
            if not _is_new(node.value, name, place.code, function) or len(node.targets) > 1:
                return f"{place.at(node.value)} may be held elsewhere as well as by `{name}`"
    if not evident_type(ast.Name(name, ast.Load()), place.code, function) and not _made(
        name, function, place.code
    ):
        return f"`{name}` comes from outside the function"
    for node in uses(function, name):
        if isinstance(node.ctx, ast.Load) and not _only_reads(node, function):
            return f"`{name}` is passed on, kept or changed elsewhere in the function"
    return ""


def _is_name(node: ast.AST, name: str) -> bool:
    """Return whether a node is the variable `name`."""
    return isinstance(node, ast.Name) and node.id == name


def _is_new(value: ast.expr, name: str, code: ParsedFile, function: Function) -> bool:
    """Return whether a value is a new list, or a copy of the one that the name had."""
    if _is_reversed_copy(value, name):
        return True
    if isinstance(value, ast.Name):
        return False
    return evident_type(value, code, function) in {LIST, TUPLE, SET, DICT}


def _made(name: str, function: ast.FunctionDef | ast.AsyncFunctionDef, code: ParsedFile) -> bool:
    """Return whether the name is assigned lists only, and is no parameter or loop variable."""
    stores = [each for each in uses(function, name) if not isinstance(each.ctx, ast.Load)]
    assigned = [
        node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and any(_is_name(each, name) for each in node.targets)
    ]
    parameters = [each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)]
    kinds = {
        evident_type(each, code, function) for each in assigned if not _is_reversed_copy(each, name)
    }
    return len(stores) == len(assigned) and name not in parameters and kinds == {LIST}


def _only_reads(node: ast.Name, function: ast.AST) -> bool:
    """Return whether a use of a name neither changes what it holds nor lets others hold it."""
    parents = {
        child: parent for parent in ast.walk(function) for child in ast.iter_child_nodes(parent)
    }
    parent = parents[node]
    if isinstance(parent, ast.Attribute):
        return isinstance(parents[parent], ast.Call) and parent.attr in READING_METHODS
    if isinstance(parent, ast.Subscript):
        return parent.value is node and isinstance(parent.ctx, ast.Load)
    if isinstance(parent, ast.Call):
        called = parent.func
        return (isinstance(called, ast.Name) and called.id in READING_BUILTINS) or _joins(parent)
    if isinstance(parent, ast.For | ast.comprehension):
        return parent.iter is node
    if isinstance(parent, ast.Compare):
        return all(isinstance(op, ast.In | ast.NotIn) for op in parent.ops)
    return isinstance(parent, ast.If | ast.While | ast.Assert | ast.FormattedValue | ast.Return)


def _joins(call: ast.Call) -> bool:
    """Return whether a call is one of the method `join` of a text literal."""
    called = call.func
    return (
        isinstance(called, ast.Attribute)
        and called.attr == "join"
        and isinstance(called.value, ast.Constant)
        and isinstance(called.value.value, str)
    )


def _is_reversed_copy(value: ast.expr, name: str) -> bool:
    """Return whether a value is `name[::-1]` or `list(reversed(name))`."""
    if isinstance(value, ast.Subscript):
        return _is_name(value.value, name) and ast.unparse(value.slice) == "::-1"
    return ast.unparse(value) in {f"list(reversed({name}))", f"reversed({name})"}


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
    if isinstance(new, ast.Name):
        return own_container(new.id, place) or not_builtin(place, old.func)
    kinds = {LIST, TUPLE}
    if isinstance(new, ast.List | ast.Tuple) or evident_type(new, place.code, None) in kinds:
        return not_builtin(place, old.func)
    return f"{place.at(old.args[0])} may change while it is iterated"


@condition("both operands are evidently lists, or both tuples")
def unpacked_sum(place: Place) -> Answer:
    """`a + [b]` asks `a` how to add, `[*a, b]` iterates over it.

    For lists both give a new list with the same items in the same order, and for tuples a tuple.
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
    for operand in _operands(old):
        if evident_type(operand, place.code, place.function) != kind:
            return f"{place.at(operand)} is not evidently a {kind}"
    return HOLDS


def _operands(node: ast.expr) -> list[ast.expr]:
    """Return the operands of nested additions from left to right; else the node alone."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_operands(node.left), *_operands(node.right)]
    return [node]


def _flat_items(node: ast.expr) -> list[ast.expr]:
    """Return the items of a sum, or of a display, with displays inside written out."""
    found: list[ast.expr] = []
    for operand in _operands(node):
        if not isinstance(operand, ast.List | ast.Tuple):
            found.append(ast.Starred(operand, ast.Load()))
            continue
        for each in operand.elts:
            inner = each.value if isinstance(each, ast.Starred) else None
            written_out = isinstance(inner, ast.List | ast.Tuple)
            found += _flat_items(inner) if inner is not None and written_out else [each]
    return found
