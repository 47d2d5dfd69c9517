"""Edits that are right for plain data, whose types the code makes evident.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast

from shared.behaviour.code import same
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.conditions.spelling import not_builtin
from shared.behaviour.conditions.types import kind_of, unless_all
from shared.behaviour.effects import is_simple, is_text
from shared.behaviour.evidence import BOOL, FLOAT, INT, PLAIN, STR
from shared.behaviour.place import Place

PAIR = 2


@condition("the subject is evidently text, and what it is compared with are literals")
def merged_prefixes(place: Place) -> Answer:
    """For text, `s.startswith(("a", "b"))` is `s.startswith("a") or s.startswith("b")`."""
    old, new = place.old, place.new
    if not isinstance(old, ast.BoolOp) or not isinstance(old.op, ast.Or) or new is None:
        return None
    parts = [_prefix_test(each) for each in old.values]
    after = _prefix_test(new)
    if after is None or any(each is None for each in parts):
        return None
    known = [each for each in parts if each is not None]
    if {each[0] for each in known} != {after[0]}:
        return None
    if [text for each in known for text in each[1]] != after[1]:
        return None
    call = old.values[0]
    assert isinstance(call, ast.Call)
    assert isinstance(call.func, ast.Attribute)
    subject = call.func.value
    if not is_simple(subject):
        return f"{place.at(subject)} is evaluated several times"
    return unless_all(place, {STR}, "text", subject)


def _prefix_test(node: ast.AST) -> tuple[str, list[str]] | None:
    """Return method and literals of a call of `startswith` or `endswith`, dumped; else None."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    if node.func.attr not in {"startswith", "endswith"} or len(node.args) != 1 or node.keywords:
        return None
    given = node.args[0].elts if isinstance(node.args[0], ast.Tuple) else [node.args[0]]
    if not all(map(is_text, given)):
        return None
    return ast.dump(node.func), [ast.dump(each) for each in given]


@condition("everything that is compared is evidently plain data")
def merged_comparisons(place: Place) -> Answer:
    """`x == a or x == b` and `x in (a, b)` give the same for numbers, texts and None.

    Membership asks for identity first, from the other side, and converts the answer to a bool. So a
    float is compared with literals only, none of which is NaN.
    """
    old, new = place.old, place.new
    found = _comparisons(old)
    if found is None or not isinstance(new, ast.Compare) or len(new.ops) != 1:
        return None
    subject, others, membership = found
    container = new.comparators[0]
    if isinstance(container, ast.Tuple | ast.List | ast.Set):
        items = container.elts
        wanted: type[ast.cmpop] = ast.In if membership else ast.NotIn
    else:
        items, wanted = [container], (ast.Eq if membership else ast.NotEq)
    if not isinstance(new.ops[0], wanted) or not same(new.left, subject):
        return None
    if sorted(map(ast.dump, items)) != sorted(map(ast.dump, others)):
        return None
    if not is_simple(subject):
        return f"{place.at(subject)} is evaluated several times"
    if len(others) > 1 and not all(map(is_simple, others)):
        return "what it is compared with is not evaluated in every case"
    # A NaN that is a variable may be the same object, which a container finds and `==` does not.
    exact = all(isinstance(each, ast.Constant) for each in others)
    return unless_all(place, PLAIN if exact else PLAIN - {FLOAT}, "plain data", subject, *others)


def _comparisons(node: ast.AST | None) -> tuple[ast.expr, list[ast.expr], bool] | None:
    """Return the subject, what it is compared with, and whether equality with one suffices.

    Returns None for an expression that is no such list of comparisons.
    """
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        container, op = node.comparators[0], node.ops[0]
        if not isinstance(container, ast.Tuple | ast.List | ast.Set):
            return None
        if not isinstance(op, ast.In | ast.NotIn):
            return None
        return node.left, container.elts, isinstance(op, ast.In)
    if not isinstance(node, ast.BoolOp):
        return None
    op_type: type[ast.cmpop] = ast.Eq if isinstance(node.op, ast.Or) else ast.NotEq
    others, subject = [], None
    for each in node.values:
        if not isinstance(each, ast.Compare) or len(each.ops) != 1:
            return None
        if not isinstance(each.ops[0], op_type):
            return None
        subject = subject or each.left
        if not same(subject, each.left):
            return None
        others.append(each.comparators[0])
    return (subject, others, op_type is ast.Eq) if subject is not None else None


@condition("the argument is evidently an int already")
def needless_int(place: Place) -> Answer:
    """`int(x)` and `round(x)` of an int are that int."""
    old, new = place.old, place.new
    if not isinstance(old, ast.Call) or not isinstance(old.func, ast.Name) or old.keywords:
        return None
    if old.func.id not in {"int", "round"} or len(old.args) != 1 or not same(old.args[0], new):
        return None
    return unless_all(place, {INT}, "an int", old.args[0]) or not_builtin(place, old.func)


@condition("the number is evidently an int")
def counted_bits(place: Place) -> Answer:
    """The ones in `bin(x)` are what `x.bit_count()` counts, of the absolute value in both.

    Ints have the method from Python 3.10 on.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Call) or not isinstance(old.func, ast.Attribute):
        return None
    inner = old.func.value
    if old.func.attr != "count" or not isinstance(inner, ast.Call) or len(inner.args) != 1:
        return None
    if [getattr(each, "value", "") for each in old.args] != ["1"] or old.keywords:
        return None
    if (
        not isinstance(new, ast.Call)
        or new.args
        or new.keywords
        or not isinstance(new.func, ast.Attribute)
    ):
        return None
    if new.func.attr != "bit_count" or not same(new.func.value, inner.args[0]):
        return None
    if not isinstance(inner.func, ast.Name) or inner.func.id != "bin" or inner.keywords:
        return None
    if not place.supports((3, 10)):
        return "the target does not say that it needs Python 3.10 or newer"
    return unless_all(place, {INT}, "an int", inner.args[0]) or not_builtin(place, inner.func)


@condition("the type is asked by identity")
def none_type(place: Place) -> Answer:
    """None is the only object whose type is that of None.

    `isinstance` also believes an object that claims another class, and `==` may be defined anew.
    """
    old, new = place.old, place.new
    if new is None or not isinstance(new, ast.Compare) or len(new.ops) != 1:
        return None
    none = new.comparators[0]
    if not isinstance(none, ast.Constant) or none.value is not None:
        return None
    subject = ast.unparse(new.left)
    if isinstance(old, ast.Call) and ast.unparse(old).startswith("isinstance("):
        return f"{place.at(new.left)} may claim another class than it has"
    if not isinstance(old, ast.Compare) or len(old.ops) != 1 or old.ops[0] is None:
        return None
    sides = {ast.unparse(old.left), ast.unparse(old.comparators[0])}
    if sides != {f"type({subject})", "type(None)"}:
        return None
    if not isinstance(old.ops[0], ast.Is | ast.IsNot) or type(old.ops[0]) is not type(new.ops[0]):
        return "types are compared by equality, which a metaclass may define"
    return not_builtin(place, ast.Name("type", ast.Load()))


# What makes a hash whose digest has a length of its own.
HASHES = {f"hashlib.{name}" for name in ("md5", "sha1", "blake2b", "blake2s")}
HASHES |= {f"hashlib.{kind}{size}" for kind in ("sha", "sha3_") for size in (224, 256, 384, 512)}


@condition("the digest is called on what hashlib makes")
def hex_digest(place: Place) -> Answer:
    """`h.hexdigest()` is documented as the digest in hexadecimal digits, `h.digest().hex()`."""
    old, new = place.old, place.new
    if not isinstance(old, ast.Call) or not isinstance(new, ast.Call) or old.args:
        return None
    if not ast.unparse(old).endswith(".digest().hex()"):
        return None
    subject = old.func.value.func.value  # type: ignore[attr-defined]
    if ast.unparse(new) != f"{ast.unparse(subject)}.hexdigest()":
        return None
    made = place.code.origin(subject.func) if isinstance(subject, ast.Call) else ""
    if made in HASHES:
        return HOLDS
    return f"{place.at(subject)} is not evidently a hash of hashlib"


@condition("the argument is a literal")
def type_of_literal(place: Place) -> Answer:
    """The type of a literal is the builtin of that name."""
    old, new = place.old, place.new
    if not isinstance(old, ast.Call) or not isinstance(new, ast.Name) or len(old.args) != 1:
        return None
    if not isinstance(old.func, ast.Name) or old.func.id != "type" or old.keywords:
        return None
    literal = old.args[0]
    if not isinstance(literal, ast.Constant) or type(literal.value).__name__ != new.id:
        return None
    return not_builtin(place, old.func) or not_builtin(place, new)


@condition("what is left out is evidently plain data, and only the truth is asked")
def constant_condition(place: Place) -> Answer:
    """`x or True` is true and `x and False` is false, whatever plain data `x` is.

    Elsewhere the operators give one of the operands, and asking another type for its truth may have
    effects. `x or not x` and `x and not x` are constants where `x` is a bool or its truth is asked.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.BoolOp) or not isinstance(new, ast.Constant):
        return None
    wanted = isinstance(old.op, ast.Or)
    if new.value is not wanted:
        return None
    decides = [e for e in old.values if isinstance(e, ast.Constant) and e.value is wanted]
    rest = [e for e in old.values if e not in decides]
    if not decides and not _has_opposites(rest):
        return None
    plain = [e.operand if isinstance(e, ast.UnaryOp) and _is_negation(e) else e for e in rest]
    for each in plain:
        if not is_simple(each):
            return f"{place.at(each)} is no longer evaluated"
    if not place.only_its_truth_counts and any(kind_of(e, place) != BOOL for e in rest):
        return "the value may be one of the operands"
    return unless_all(place, PLAIN, "plain data", *plain)


def _is_negation(node: ast.expr) -> bool:
    """Return whether an expression is `not` with an operand."""
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)


def _has_opposites(nodes: list[ast.expr]) -> bool:
    """Return whether these are two expressions of which one negates the other."""
    return len(nodes) == PAIR and any(
        same(ast.UnaryOp(ast.Not(), one), other) for one, other in (nodes, nodes[::-1])
    )


@condition("the value is an immutable literal, and the function called is Python's own")
def constant_values(place: Place) -> Answer:
    """`dict.fromkeys(x, v)` draws the same keys in the same order, and gives all of them one `v`.

    For an immutable literal one object is as good as many.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.DictComp) or not isinstance(new, ast.Call) or new.keywords:
        return None
    loop = old.generators[0]
    if (
        len(old.generators) != 1
        or loop.ifs
        or loop.is_async
        or not same(old.key, _as_read(loop.target))
    ):
        return None
    if ast.unparse(new.func) != "dict.fromkeys" or len(new.args) not in {1, PAIR}:
        return None
    if not same(new.args[0], loop.iter):
        return None
    given = new.args[1] if len(new.args) == PAIR else ast.Constant(None)
    if not same(given, old.value):
        return None
    if not isinstance(old.value, ast.Constant):
        return f"{place.at(old.value)} would be shared by all keys"
    return not_builtin(place, ast.Name("dict", ast.Load()))


def _as_read(target: ast.expr) -> ast.expr:
    """Return the target of a loop, a name as an expression that reads it, any other as it is."""
    return ast.Name(target.id, ast.Load()) if isinstance(target, ast.Name) else target
