"""Edits that are right for texts and truth values, and not for what only looks like one.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast

from shared.behaviour.code import same
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.conditions.spelling import not_builtin
from shared.behaviour.effects import is_text
from shared.behaviour.evidence import BOOL, CONTAINERS, INT, PLAIN, STR, evident_type
from shared.behaviour.format_fields import pieces_of_percent
from shared.behaviour.place import Place

PAIR = 2


def kind_of(node: ast.AST | None, place: Place) -> str:
    """Return the evident type of an expression of the old file; empty if it has none."""
    return evident_type(node, place.code, place.function)


def unless_all(place: Place, kinds: frozenset[str] | set[str], what: str, *nodes: ast.AST) -> str:
    """Return why a node is not evidently of one of these types; `HOLDS` if all are."""
    for each in nodes:
        if kind_of(each, place) not in kinds:
            return f"{place.at(each)} is not evidently {what}"
    return HOLDS


@condition("what is compared with None evidently has the comparison of a builtin type")
def none_comparison(place: Place) -> Answer:
    """No value of a builtin type equals None but None itself, which there is only one of.

    Other types may define their comparison: a column or an array answers with another object.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Compare) or not isinstance(new, ast.Compare):
        return None
    if len(old.ops) != 1 or len(new.ops) != 1:
        return None
    if not same(old.left, new.left) or not same(old.comparators[0], new.comparators[0]):
        return None
    pair = type(old.ops[0]), type(new.ops[0])
    if pair not in {(ast.Eq, ast.Is), (ast.NotEq, ast.IsNot)}:
        return None
    sides = [old.left, old.comparators[0]]
    others = [s for s in sides if not (isinstance(s, ast.Constant) and s.value is None)]
    if len(others) == len(sides):
        return None
    return unless_all(place, PLAIN | CONTAINERS, "of a builtin type", *others)


@condition("what is compared with True or False is evidently a bool")
def bool_comparison(place: Place) -> Answer:
    """For True and False, `x == True` is `x` and `x == False` is `not x`.

    Any other value may be true without being equal to True: "no" is.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Compare) or len(old.ops) != 1 or new is None:
        return None
    if not isinstance(old.ops[0], ast.Eq | ast.NotEq):
        return None
    sides = [old.left, old.comparators[0]]
    constants = [s.value for s in sides if isinstance(s, ast.Constant) and type(s.value) is bool]
    others = [s for s in sides if not (isinstance(s, ast.Constant) and type(s.value) is bool)]
    if len(constants) != 1:
        return None
    positive = constants[0] is isinstance(old.ops[0], ast.Eq)
    wanted = others[0] if positive else ast.UnaryOp(ast.Not(), others[0])
    if not same(wanted, new):
        return None
    return unless_all(place, {BOOL}, "a bool", *others)


@condition("both sides are evidently of builtin types")
def negated_equality(place: Place) -> Answer:
    """For builtin types `a != b` is the opposite of `a == b`; other types may define both."""
    old, new = place.old, place.new
    if not isinstance(old, ast.UnaryOp) or not isinstance(old.op, ast.Not):
        return None
    inner = old.operand
    if not isinstance(inner, ast.Compare) or not isinstance(new, ast.Compare):
        return None
    if len(inner.ops) != 1 or len(new.ops) != 1 or not same(inner.left, new.left):
        return None
    if not same(inner.comparators[0], new.comparators[0]):
        return None
    pair = type(inner.ops[0]), type(new.ops[0])
    if pair not in {(ast.Eq, ast.NotEq), (ast.NotEq, ast.Eq)}:
        return None
    return unless_all(place, PLAIN, "a plain value", inner.left, inner.comparators[0])


@condition("it is evidently a bool, or only asked for its truth, or converted by bool()")
def truth_value(place: Place) -> Answer:
    """`True if x else False` and `not not x` give the truth of `x`, as `bool(x)` does.

    `x` itself is the same where it is a bool, or where only its truth is asked.
    """
    new = place.new
    found = _truth_of([*place.before])
    is_statement = bool(place.before) and isinstance(place.before[0], ast.stmt)
    after = new.value if isinstance(new, ast.Return) and is_statement else new
    if found is None or after is None:
        return None
    subject, positive = found
    if not positive:
        return HOLDS if same(ast.UnaryOp(ast.Not(), subject), after) else None
    if same(ast.Call(ast.Name("bool", ast.Load()), [subject], []), after):
        assert isinstance(after, ast.Call)
        return not_builtin(place, after.func)
    if not same(subject, after):
        return None
    if not is_statement and place.only_its_truth_counts:
        return HOLDS
    return unless_all(place, {BOOL}, "a bool", subject)


def _truth_of(before: list[ast.AST]) -> tuple[ast.expr, bool] | None:
    """Return the expression whose truth is given, and False if it is negated; else None."""
    first = before[0] if before else None
    if len(before) > PAIR:
        return None
    if isinstance(first, ast.If):
        return _returned_truth(first, before[1] if len(before) == PAIR else None)
    if len(before) != 1:
        return None
    if isinstance(first, ast.UnaryOp) and isinstance(first.op, ast.Not):
        inner = first.operand
        double = isinstance(inner, ast.UnaryOp) and isinstance(inner.op, ast.Not)
        return (inner.operand, True) if double and isinstance(inner, ast.UnaryOp) else None
    if isinstance(first, ast.IfExp):
        values = [getattr(each, "value", "") for each in (first.body, first.orelse)]
        return _by_values(first.test, values)
    return None


def _returned_truth(node: ast.If, after: ast.AST | None) -> tuple[ast.expr, bool] | None:
    """Return the condition of an `if` that returns a bool, and whether True means it holds.

    `after` is the statement after it, if any. Returns None for another `if`.
    """
    last = node.orelse[0] if len(node.orelse) == 1 else after
    if len(node.body) != 1 or not isinstance(node.body[0], ast.Return):
        return None
    if not isinstance(last, ast.Return) or (node.orelse and after is not None):
        return None
    values = [getattr(each.value, "value", "") for each in (node.body[0], last)]
    return _by_values(node.test, values)


def _by_values(test: ast.expr, values: list[object]) -> tuple[ast.expr, bool] | None:
    """Return the test, and whether it chooses True when it holds; None for other values."""
    if values[0] is True and values[1] is False:
        return test, True
    return (test, False) if values[0] is False and values[1] is True else None


@condition("every part is evidently text")
def joined_texts(place: Place) -> Answer:
    """`"".join([a, b])` raises a TypeError for what is no text, and an f-string formats anything.

    For text both give the same.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Call) or not isinstance(new, ast.JoinedStr | ast.Constant):
        return None
    function = old.func
    if not isinstance(function, ast.Attribute) or function.attr != "join" or len(old.args) != 1:
        return None
    if (
        old.keywords
        or not is_text(function.value)
        or not isinstance(old.args[0], ast.List | ast.Tuple)
    ):
        return None
    if isinstance(new, ast.Constant) and not is_text(new):
        return None
    return unless_all(place, {STR}, "text", *old.args[0].elts) or _joined_as(old, new)


def _joined_as(old: ast.Call, new: ast.JoinedStr | ast.Constant) -> Answer:
    """Return `HOLDS` if an f-string is what the parts of a join of texts give; else None."""
    assert isinstance(old.func, ast.Attribute)
    assert isinstance(old.func.value, ast.Constant)
    assert isinstance(old.args[0], ast.List | ast.Tuple)
    wanted: list[object] = []
    for number, each in enumerate(old.args[0].elts):
        wanted += [old.func.value.value] * bool(number)
        wanted.append(each.value if isinstance(each, ast.Constant) else each)
    parts: list[object] = [*new.values] if isinstance(new, ast.JoinedStr) else [new]
    return HOLDS if _as_text(wanted) == _as_text(parts) else None


def _as_text(parts: list[object]) -> list[str]:
    """Return texts and dumped values, with neighbouring texts joined."""
    done = [""]
    for each in parts:
        if isinstance(each, ast.FormattedValue):
            plain = each.conversion == -1 and each.format_spec is None
            done += [ast.dump(each.value) if plain else "\0", ""]
        elif isinstance(each, ast.Constant):
            done[-1] += str(each.value)
        elif isinstance(each, ast.AST):
            done += [ast.dump(each), ""]
        else:
            done[-1] += str(each)
    return done


@condition("each value is evidently text or an int, and there is one for each field")
def percent_format(place: Place) -> Answer:
    """`"%s" % x` and `"{}".format(x)` both give `str(x)` if `x` is text or an int.

    Values of other types may be formatted differently, and fields other than `%s` and `%r` accept
    other types than their replacements do. `%r` and `{!r}` are the same for any value of a tuple.
    A single value must be text or an int even for `%r`, as it may be a tuple or a mapping.
    """
    old, new = place.old, place.new
    found = percent_parts(old) if isinstance(new, ast.Call) else None
    if found is None or isinstance(found, str):
        return found
    if not same(as_format(*found), new):
        return None
    return unevident_value(place, *found)


def percent_parts(old: ast.AST | None) -> "tuple[list[str], list[ast.expr]] | str | None":
    """Return the pieces and the values of a `%` format of a literal.

    Returns the reason where there is not one value for each field of a known kind, and None for
    anything else.
    """
    if not isinstance(old, ast.BinOp) or not isinstance(old.op, ast.Mod) or not is_text(old.left):
        return None
    pieces = pieces_of_percent(str(old.left.value))  # type: ignore[attr-defined]
    if pieces is None:
        return "a field of another kind than `%s` and `%r` accepts other types than its replacement"
    values = old.right.elts if isinstance(old.right, ast.Tuple) else [old.right]
    if len(pieces[1::2]) != len(values) or any(isinstance(each, ast.Starred) for each in values):
        return "the values are not one for each field"
    return pieces, values


def unevident_value(place: Place, pieces: list[str], values: list[ast.expr]) -> str:
    """Return which value of a `%` format has to be text or an int and is not evidently one."""
    texts = [v for f, v in zip(pieces[1::2], values, strict=True) if f == "s"]
    if not isinstance(place.old, ast.BinOp) or not isinstance(place.old.right, ast.Tuple):
        texts = values
    return unless_all(place, {STR, INT}, "text or an int", *texts)


def as_format(pieces: list[str], values: list[ast.expr]) -> ast.Call:
    """Return the call of `format` that means a `%` format with these pieces and values."""
    text = ""
    for number, each in enumerate(pieces):
        if number % 2:
            text += "{}" if each == "s" else "{!r}"
        else:
            text += each.replace("{", "{{").replace("}", "}}")
    return ast.Call(ast.Attribute(ast.Constant(text), "format", ast.Load()), values, [])
