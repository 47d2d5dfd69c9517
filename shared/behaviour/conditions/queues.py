"""Edits that make a list a deque.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast
import copy

from shared.behaviour.code import Function, bound_names, same, uses
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.evidence import LIST, evident_type, is_plain_local
from shared.behaviour.place import Place
from shared.behaviour.tree import LOOPS, SyntaxTree, tree_around

DEQUE = "deque"
# Methods that both types have, by the number of their arguments.
ADDING = {"append": 1, "extend": 1}
OTHER_METHODS = {"clear": 0, "count": 1, "reverse": 0}
# Builtins that draw everything at once, and keep nothing of what they draw it from.
READING = frozenset({"len", "list", "tuple", "set", "sorted", "sum", "min", "max", "any", "all"})
TESTS = (ast.If, ast.While, ast.IfExp, ast.Assert)
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@condition("the function made the list, uses only its ends, and never lets go of it")
def own_queue(place: Place) -> Answer:
    """A deque does at both ends what a list does, and is iterated and searched like one.

    The function makes the list itself and nothing else ever holds it. It is only asked for what
    both types answer alike: no slices, no other index than the first and the last, no comparison,
    no text of it. Nothing changes it while it is iterated, which only a list allows. Taking an item
    is always guarded by a test that there is one, as the words of the error differ.
    """
    function, new = place.function, place.new_function
    if not isinstance(function, DEFINITIONS) or not isinstance(new, DEFINITIONS):
        return None
    names = made_deques(function, new)
    if not names or place.old is None or not _is_kind(place.old, names, place):
        return None
    tree = tree_around(place.code)
    for name in sorted(names):
        if why := reason_against_queue(name, function, tree):
            return why
    called = [n for n in ast.walk(new) if isinstance(n, ast.Name) and n.id == DEQUE]
    if any(place.new_code.origin(each) != "collections.deque" for each in called):
        return "`deque` may be something else than the one of collections"
    expected = _Queued(names).visit(copy.deepcopy(function))
    return HOLDS if same(expected, new) else "more is changed in the function than the queue"


def _is_kind(old: ast.AST, names: set[str], place: Place) -> bool:
    """Return whether an edit is one of what a queue is made of, or one of its calls."""
    parent = place.parent
    if front_call(old) is not None:
        return True
    targets = parent.targets if isinstance(parent, ast.Assign) and parent.value is old else []
    return any(isinstance(each, ast.Name) and each.id in names for each in targets)


def made_deques(function: ast.AST, new: ast.AST) -> set[str]:
    """Return the variables that are assigned a deque after an edit, and were not before."""
    before, after = (
        {
            target.id
            for node in ast.walk(each)
            if isinstance(node, ast.Assign) and _is_deque(node.value)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for each in (function, new)
    )
    return after - before


def _is_deque(node: ast.expr) -> bool:
    """Return whether an expression calls `deque`."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == DEQUE


def front_call(node: ast.AST) -> tuple[str, str] | None:
    """Return variable and method of `x.pop(0)` and `x.insert(0, ...)`; else None."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    method, subject = node.func.attr, node.func.value
    if (method, len(node.args)) not in {("pop", 1), ("insert", 2)} or node.keywords:
        return None
    first = node.args[0]
    if not isinstance(subject, ast.Name) or not isinstance(first, ast.Constant):
        return None
    if type(first.value) is not int or first.value or isinstance(node.args[-1], ast.Starred):
        return None
    return subject.id, method


def as_deque(value: ast.expr) -> ast.Call:
    """Return the call that makes a deque with the items of a list that an expression makes."""
    if isinstance(value, ast.List) and not value.elts:
        arguments: list[ast.expr] = []
    elif isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == LIST:
        arguments = value.args
    else:
        arguments = [value]
    return ast.Call(ast.Name(DEQUE, ast.Load()), arguments, [])


class _Queued(ast.NodeTransformer):
    """Makes deques of the lists of some variables."""

    def __init__(self, names: set[str]) -> None:
        self._names = names

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        """Return an assignment with what is assigned as a deque, if it is to one of the names."""
        self.generic_visit(node)
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id in self._names:
            node.value = as_deque(node.value)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Return a call with the method that a deque has for it."""
        self.generic_visit(node)
        found = front_call(node)
        if found is None or found[0] not in self._names:
            return node
        assert isinstance(node.func, ast.Attribute)
        method = "popleft" if found[1] == "pop" else "appendleft"
        return ast.Call(ast.Attribute(node.func.value, method, ast.Load()), node.args[1:], [])


def reason_against_queue(name: str, function: Function, tree: SyntaxTree) -> str:
    """Return why a list of a function cannot be a deque as well; empty if it can."""
    if tree.reads_locals(function):
        return "something in the file reads names that it does not spell"
    if not isinstance(function, DEFINITIONS) or not is_plain_local(name, function):
        return f"`{name}` is seen outside of the function"
    stores = [each for each in uses(function, name) if not isinstance(each.ctx, ast.Load)]
    if not stores or len(stores) != [*bound_names(function)].count(name):
        return f"`{name}` is not only assigned"
    for each in stores:
        if why := _reason_against_value(each, tree):
            return why
    for each in uses(function, name):
        if isinstance(each.ctx, ast.Load) and not _is_answered_alike(each, tree):
            return f"`{name}` is used in another way in line {each.lineno}"
    return ""


def _reason_against_value(target: ast.Name, tree: SyntaxTree) -> str:
    """Return why what a variable is assigned may be no new list; empty if it is one."""
    node = tree.parent(target)
    if not isinstance(node, ast.Assign) or node.targets != [target]:
        return f"`{target.id}` is not only assigned"
    value = node.value
    if isinstance(value, ast.List | ast.ListComp):
        return ""
    made = isinstance(value, ast.Call) and isinstance(value.func, ast.Name)
    if made and evident_type(value, tree.code, tree.function(target)) == LIST:
        assert isinstance(value, ast.Call)
        single = len(value.args) == 1 and not isinstance(value.args[0], ast.Starred)
        if single and (not value.keywords or value.func.id == "sorted"):  # type: ignore[attr-defined]
            return ""
    return f"`{ast.unparse(value)[:60]}` is not evidently a new list"


def _is_answered_alike(node: ast.Name, tree: SyntaxTree) -> bool:
    """Return whether a use of a variable does the same for a list and for a deque."""
    parent = tree.parent(node)
    if isinstance(parent, ast.Attribute):
        return _is_method_alike(node, parent, tree)
    if isinstance(parent, ast.Subscript):
        return _is_end(parent) and parent.value is node and _is_guarded(node, tree)
    if isinstance(parent, ast.Call):
        called = parent.func
        plain = isinstance(called, ast.Name) and called.id in READING and not parent.keywords
        return plain and parent.args == [node] and tree.code.is_builtin(called.id)  # type: ignore[attr-defined]
    if isinstance(parent, ast.For):
        return parent.iter is node and not _is_changed_in(parent, node.id, tree)
    if isinstance(parent, ast.comprehension):
        outer = tree.parent(parent)
        lazy = outer is None or isinstance(outer, ast.GeneratorExp) or parent.is_async
        return parent.iter is node and not lazy and not _is_changed_in(outer, node.id, tree)
    if isinstance(parent, ast.Compare):
        searched = len(parent.ops) == 1 and isinstance(parent.ops[0], ast.In | ast.NotIn)
        return searched and parent.comparators[0] is node
    return _is_tested(node, tree)


def _is_method_alike(node: ast.Name, attribute: ast.Attribute, tree: SyntaxTree) -> bool:
    """Return whether a method is called that a deque has as well, or has another name for."""
    call = tree.parent(attribute)
    if not isinstance(call, ast.Call) or call.func is not attribute or call.keywords:
        return False
    if any(isinstance(each, ast.Starred) for each in call.args):
        return False
    method = attribute.attr
    if front_call(call) == (node.id, "insert"):
        return True
    if front_call(call) == (node.id, "pop") or (method == "pop" and not call.args):
        return _is_guarded(node, tree)
    if method == "extend" and any(uses(each, node.id) for each in call.args):
        return False
    return {**ADDING, **OTHER_METHODS}.get(method) == len(call.args)


def _is_end(node: ast.Subscript) -> bool:
    """Return whether a subscript reads the first or the last item."""
    return isinstance(node.ctx, ast.Load) and ast.unparse(node.slice) in {"0", "-1"}


def _is_tested(node: ast.AST, tree: SyntaxTree) -> bool:
    """Return whether only the truth of an expression is asked."""
    for outer, inner in tree.around(node):
        if isinstance(outer, TESTS):
            return outer.test is inner
        if isinstance(outer, ast.comprehension):
            return inner in outer.ifs
        if isinstance(outer, ast.UnaryOp) and isinstance(outer.op, ast.Not):
            return True
        if not isinstance(outer, ast.BoolOp):
            return False
    return False


def _is_guarded(node: ast.Name, tree: SyntaxTree) -> bool:
    """Return whether a test around a use makes sure that there is an item.

    Between the two nothing takes an item, and nothing is repeated.
    """
    for outer, inner in tree.around(node):
        tested = isinstance(outer, ast.If | ast.While) and inner in outer.body
        if tested and _demands_item(outer.test, node.id, tree):  # type: ignore[attr-defined]
            body = outer.body  # type: ignore[attr-defined]
            return not any(_takes_before(each, node, tree) for each in body)
        if isinstance(outer, (*LOOPS, ast.comprehension, *DEFINITIONS, ast.Lambda)):
            return False
    return False


def _demands_item(test: ast.expr, name: str, tree: SyntaxTree) -> bool:
    """Return whether a test is only true if the container of a variable has an item."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        # What is evaluated after it in the test might take an item, as `x.pop()` does.
        takes = any(_takes(each, name, tree) for each in ast.walk(test))
        return not takes and any(_demands_item(each, name, tree) for each in test.values)
    if isinstance(test, ast.Compare):
        zero = ast.unparse(test).endswith((") > 0", ") != 0", ") >= 1"))
        return zero and len(test.ops) == 1 and _demands_item(test.left, name, tree)
    if isinstance(test, ast.Call):
        return ast.unparse(test) == f"len({name})" and tree.code.is_builtin("len")
    return isinstance(test, ast.Name) and test.id == name


def _takes(node: ast.AST, name: str, tree: SyntaxTree) -> bool:
    """Return whether a node takes items out of the container of a variable, or binds it anew."""
    if not isinstance(node, ast.Name) or node.id != name:
        return False
    parent = tree.parent(node)
    removing = isinstance(parent, ast.Attribute) and parent.attr in {"pop", "clear"}
    return removing or not isinstance(node.ctx, ast.Load)


def _takes_before(root: ast.AST, node: ast.Name, tree: SyntaxTree) -> bool:
    """Return whether something in `root` takes an item, and is written before `node`."""
    return any(
        _takes(each, node.id, tree)
        and (each.lineno, each.col_offset) < (node.lineno, node.col_offset)  # type: ignore[attr-defined]
        for each in ast.walk(root)
    )


def _is_changed_in(root: ast.AST | None, name: str, tree: SyntaxTree) -> bool:
    """Return whether something in `root` changes the container of a variable or binds it anew."""
    for each in uses(root, name) if root is not None else ():
        parent = tree.parent(each)
        if not isinstance(each.ctx, ast.Load):
            return True
        if isinstance(parent, ast.Attribute) and parent.attr != "count":
            return True
    return False
