"""Edits of what `in` searches.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast

from shared.behaviour.code import ParsedFile, same
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.conditions.spelling import not_builtin
from shared.behaviour.evidence import DICT, LIST, PLAIN, SET, STR, TUPLE, evident_type
from shared.behaviour.import_names import named_in_text
from shared.behaviour.place import Place
from shared.behaviour.tree import SyntaxTree, tree_around

MEMBERSHIP = (ast.In, ast.NotIn)
# What the standard library always sets to a text.
TEXTS = frozenset({"sys.platform", "sys.version", "sys.byteorder", "os.name", "os.sep"})


def is_searched(node: ast.AST | None, parent: ast.AST | None) -> bool:
    """Return whether a node is what a single `in` or `not in` searches."""
    return (
        isinstance(parent, ast.Compare)
        and len(parent.ops) == 1
        and isinstance(parent.ops[0], MEMBERSHIP)
        and parent.comparators[0] is node
    )


def is_hashable_constant(node: ast.expr) -> bool:
    """Return whether an expression is a literal that can be hashed, of numbers, texts or None."""
    if isinstance(node, ast.Tuple):
        return all(map(is_hashable_constant, node.elts))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
        return isinstance(node, ast.Constant) and isinstance(node.value, int | float)
    return isinstance(node, ast.Constant) and node.value is not ...


def is_plain(node: ast.expr, tree: SyntaxTree) -> bool:
    """Return whether an expression evidently is a number, a text, bytes or None.

    Besides what `evident_type` knows, these are texts of the standard library, and the variable of
    a loop over a text.
    """
    code, function = tree.code, tree.function(node)
    if evident_type(node, code, function) in PLAIN or code.origin(node) in TEXTS:
        return True
    if isinstance(node, ast.Subscript):
        return evident_type(node.value, code, function) == STR
    return isinstance(node, ast.Name) and _is_character(node, tree)


def _is_character(node: ast.Name, tree: SyntaxTree) -> bool:
    """Return whether a variable is bound once, by the loop around it over an evident text."""
    if sum(not isinstance(each.ctx, ast.Load) for each in tree.names[node.id]) != 1:
        return False
    if tree.code.bindings[node.id] != 1:
        return False
    for outer, inner in tree.around(node):
        loops = [outer] if isinstance(outer, ast.For) else getattr(outer, "generators", ())
        for each in loops:
            if isinstance(each.target, ast.Name) and each.target.id == node.id:
                text = evident_type(each.iter, tree.code, tree.function(each.iter)) == STR
                return text and inner is not each.iter
    return False


@condition("the items are constants, and what is looked for is evidently plain data")
def hashed_constants(place: Place) -> Answer:
    """A list is searched by equality, a set by hash and then by equality.

    For numbers, texts, bytes and None equal values have equal hashes, so both find the same. What
    cannot be hashed, which a set refuses, is none of these.
    """
    old, new = place.old, place.new
    if not _is_display_as_set(old, new) or not is_searched(old, place.parent):
        return None
    assert isinstance(place.parent, ast.Compare)
    subject = place.parent.left
    if is_plain(subject, tree_around(place.code)):
        return HOLDS
    return f"{place.at(subject)} may be something that cannot be hashed, or equals without that"


@condition("only `in` ever uses the private constant, each time for what is evidently plain data")
def searched_constant(place: Place) -> Answer:
    """A list of constants that is only searched cannot be told from a set of them.

    For numbers, texts, bytes and None equal values have equal hashes. The name is bound once, at
    the top level, and neither this file nor another one of the repository takes it otherwise.
    """
    old, new = place.old, place.new
    if not _is_display_as_set(old, new) or not isinstance(place.parent, ast.Assign):
        return None
    targets = place.parent.targets
    if len(place.parents) != 2 or len(targets) != 1 or not isinstance(targets[0], ast.Name):
        return None
    name = targets[0].id
    if why := reason_against_searched(name, tree_around(place.code)):
        return why
    if not name.startswith("_") or named_in_text(place.code, name):
        return f"`{name}` is public, or in a text of the file"
    taken = place.taken.taken(place.code.path, name)
    return f"`{name}` may be used elsewhere: {taken}" if taken else HOLDS


def reason_against_searched(name: str, tree: SyntaxTree, *, any_subject: bool = False) -> str:
    """Return why a constant of the top level may be more than searched; empty if it is not.

    With `any_subject`, what it is searched for does not matter.
    """
    code = tree.code
    if code.bindings[name] != 1 or code.binds_any_name or code.reads_any_name:
        return f"`{name}` may be bound elsewhere as well, or read without being spelled"
    for each in tree.names[name]:
        parent = tree.parent(each)
        if not isinstance(each.ctx, ast.Load):
            continue
        if not is_searched(each, parent):
            return f"`{name}` is more than searched in line {each.lineno}"
        assert isinstance(parent, ast.Compare)
        if not any_subject and not is_plain(parent.left, tree):
            return f"`{ast.unparse(parent.left)[:60]}` may be something that cannot be hashed"
    return ""


def _is_display_as_set(old: ast.AST | None, new: ast.AST | None) -> bool:
    """Return whether a display of constants becomes a set of the same constants."""
    return (
        isinstance(old, ast.List | ast.Tuple)
        and isinstance(new, ast.Set)
        and len(old.elts) == len(new.elts) > 0
        and all(map(same, old.elts, new.elts))
        and all(map(is_hashable_constant, old.elts))
    )


def copied(node: ast.AST | None, code: ParsedFile) -> ast.expr | None:
    """Return what a call of `list` or `tuple` copies; None if the node is no such call."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return None
    if node.func.id not in {"list", "tuple"} or not code.is_builtin(node.func.id):
        return None
    if len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred):
        return None
    return node.args[0]


def is_searched_alike(inner: ast.expr, subject: ast.expr, tree: SyntaxTree) -> bool:
    """Return whether searching a container for `subject` finds what searching a copy does."""
    kind = evident_type(inner, tree.code, tree.function(inner))
    return kind in {LIST, TUPLE} or (kind in {DICT, SET} and is_plain(subject, tree))


@condition("what is copied is evidently a container, and searched alike")
def searched_directly(place: Place) -> Answer:
    """`x in list(y)` finds the same as `x in y` where `y` is a list or a tuple.

    Where `y` is a set or a dict, it does so if `x` is plain data, which can be hashed and whose
    equal values have equal hashes.
    """
    old, new = place.old, place.new
    inner = copied(old, place.code)
    if old is None or inner is None or not same(inner, new) or not is_searched(old, place.parent):
        return None
    assert isinstance(old, ast.Call)
    assert isinstance(place.parent, ast.Compare)
    if is_searched_alike(inner, place.parent.left, tree_around(place.code)):
        return not_builtin(place, old.func)
    return f"{place.at(inner)} is not evidently a container that is searched alike"
