"""Edits that remember what a function returned.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast
from collections.abc import Iterator

from shared.behaviour.code import bound_names, same, uses
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.evidence import INT
from shared.behaviour.import_names import named_in_text
from shared.behaviour.place import Place
from shared.behaviour.tree import SyntaxTree, tree_around

CACHE = "functools.cache"
# Builtins without effects whose results for numbers and texts never change, nor can be changed.
PURE_BUILTINS = frozenset(
    {"abs", "bool", "chr", "divmod", "float", "int", "len", "max", "min", "ord", "pow", "range"}
    | {"round", "str"}
)
STATEMENTS = (ast.Return, ast.If, ast.Assign, ast.Expr, ast.For, ast.While, ast.Pass, ast.Break)
EXPRESSIONS = (
    *(ast.Constant, ast.Name, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp),
    *(ast.Tuple, ast.Call, ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context),
)
MIN_CALLS = 2
MAX_STEP = 3


def impurity(function: ast.FunctionDef, tree: SyntaxTree) -> str:
    """Return what may make a function of the module more than a formula; empty if nothing does.

    For numbers and texts, a formula only computes: it reads its parameters, its own variables and
    literals, and calls itself and some builtins. What it returns cannot be changed.
    """
    arguments = function.args
    plain = [*arguments.posonlyargs, *arguments.args]
    optional = arguments.defaults or arguments.kwonlyargs or arguments.vararg or arguments.kwarg
    if not plain or optional or function.decorator_list:
        return "its parameters are optional, or it is decorated"
    known = {each.arg for each in plain} | {*bound_names(function)} - {function.name}
    for node in (inner for each in function.body for inner in ast.walk(each)):
        if not isinstance(node, (*STATEMENTS, *EXPRESSIONS)):
            return f"a {type(node).__name__} may have effects"
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            pure = name == function.name or (name in PURE_BUILTINS and tree.code.is_builtin(name))
            if not pure or node.keywords:
                return f"`{ast.unparse(node)[:60]}` may have effects"
        elif isinstance(node, ast.Name) and node.id not in known:
            called = tree.parent(node)
            if not isinstance(called, ast.Call) or called.func is not node:
                return f"`{node.id}` may change"
        elif isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name):
            return "it may change what it is given"
    return ""


def repeated_calls(function: ast.FunctionDef, tree: SyntaxTree) -> list[ast.Call]:
    """Return the calls of itself by which a function branches: several in one statement.

    Of what is chosen by `if ... else` and the like, none counts.
    """
    for statement in (each for each in ast.walk(function) if isinstance(each, ast.Return)):
        calls = [each for each in _calls(statement, function.name) if not _is_chosen(each, tree)]
        if len(calls) >= MIN_CALLS:
            return calls
    return []


def _calls(root: ast.AST, name: str) -> Iterator[ast.Call]:
    """Yield the calls below `root` of a function by its name."""
    for node in ast.walk(root):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def _is_chosen(node: ast.AST, tree: SyntaxTree) -> bool:
    """Return whether an expression may not be evaluated although its statement is."""
    for outer, inner in tree.around(node):
        if isinstance(outer, ast.stmt):
            return False
        if isinstance(outer, ast.IfExp) and inner is not outer.test:
            return True
        if isinstance(outer, ast.BoolOp | ast.Compare):
            return True
    return False


@condition("the function is a private formula of one int, which branches with smaller ones")
def cached_formula(place: Place) -> Answer:
    """A formula gives equal results for equal arguments, and nothing can change these results.

    It is only called, with what evidently is an int, so that no two arguments are equal and yet of
    different types. Down to a constant it always calls itself at least twice, for arguments that
    are smaller by at most `MAX_STEP`. So the number of calls doubles every few levels, and nobody
    can have called it for the depth of some hundred levels that the cache does not allow.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.FunctionDef) or not isinstance(new, ast.FunctionDef):
        return None
    if len(new.decorator_list) != 1 or place.new_code.origin(new.decorator_list[0]) != CACHE:
        return None
    undecorated = ast.FunctionDef(**{**dict(ast.iter_fields(new)), "decorator_list": []})
    if not same(undecorated, old) or not isinstance(place.parent, ast.Module):
        return None
    tree = tree_around(place.code)
    if why := reason_against_cache(old, tree):
        return why
    taken = place.taken.taken(place.code.path, old.name)
    return f"`{old.name}` may be taken from this module: {taken}" if taken else HOLDS


def reason_against_cache(function: ast.FunctionDef, tree: SyntaxTree) -> str:
    """Return why caching a function may be noticed by this file itself; empty if it cannot be."""
    name, code = function.name, tree.code
    if why := impurity(function, tree):
        return why
    if not name.startswith("_") or code.bindings[name] != 1 or code.binds_any_name:
        return f"`{name}` is public, or may be bound anew"
    if named_in_text(code, name) or code.reads_any_name:
        return f"`{name}` may be read without being spelled"
    if len(function.args.posonlyargs) + len(function.args.args) != 1:
        return "it has several parameters"
    if len(repeated_calls(function, tree)) < MIN_CALLS:
        return "it does not branch"
    parameter = [*function.args.posonlyargs, *function.args.args][0].arg
    if [*bound_names(function)].count(parameter) != 1:
        return f"`{parameter}` is bound anew"
    if not _ends_at_constant(function, parameter):
        return "it may end anywhere"
    inside = {*_calls(function, name)}
    for each in uses(code.tree, name):
        call = tree.parent(each)
        if not isinstance(call, ast.Call) or call.func is not each or len(call.args) != 1:
            return f"`{name}` is more than called in line {each.lineno}"
        argument = call.args[0]
        fits = _is_smaller(argument, parameter) if call in inside else tree.type_of(argument) == INT
        if call.keywords or not fits:
            return f"`{ast.unparse(argument)[:60]}` is not evidently an int, or no smaller one"
    return ""


def _ends_at_constant(function: ast.FunctionDef, parameter: str) -> bool:
    """Return whether a function calls itself if its argument is not below a constant, and else not.

    Apart from its docstring, it consists of an `if` with a `return`, and of another `return`.
    """
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if len(body) != 2 or not isinstance(body[0], ast.If) or not isinstance(body[1], ast.Return):
        return False
    test, ending = body[0].test, body[0].body
    if body[0].orelse or len(ending) != 1 or not isinstance(ending[0], ast.Return):
        return False
    if not isinstance(test, ast.Compare) or ast.unparse(test.left) != parameter:
        return False
    bound = test.comparators[0].value if isinstance(test.comparators[0], ast.Constant) else None
    below = len(test.ops) == 1 and isinstance(test.ops[0], ast.Lt | ast.LtE)
    return below and type(bound) is int and not [*_calls(ending[0], function.name)]


def _is_smaller(node: ast.expr, parameter: str) -> bool:
    """Return whether an expression takes a positive int off a parameter."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Sub):
        return False
    value = node.right.value if isinstance(node.right, ast.Constant) else None
    is_parameter = isinstance(node.left, ast.Name) and node.left.id == parameter
    return is_parameter and type(value) is int and 0 < value <= MAX_STEP
