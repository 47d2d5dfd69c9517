"""Assertions that guard access are made whether or not Python leaves assertions out."""

import ast
import re
from collections.abc import Iterator

from services.agents.types.security.calls import has_comment
from services.agents.types.security.rule import (
    ADVICE,
    DISMISSED,
    Judgement,
    Spot,
    WeaknessRule,
    code,
    example,
)
from services.agents.types.security.words import words
from shared.agent_types import FixBehaviour, FixerDeclaration
from shared.contracts.base import Severity

GUARDING = frozenset(
    {"authenticated", "authorized", "authorised", "authorize", "authorise", "authenticate"}
    | {"permission", "permissions", "superuser", "csrf", "privileged", "forbidden"}
    | {"unauthorized", "unauthorised"}
)
# A person is one of these only where a name asks for it.
ASKED_FOR = frozenset({"admin", "staff", "owner", "moderator"})
ASKING = frozenset({"is", "has", "may"})
INVERSE = {ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in"}


def judge(spot: Spot) -> Judgement:
    """Fix assertions whose condition speaks of access; others are for programmers."""
    found = next((each for each in spot.nodes if isinstance(each, ast.Assert)), None)
    if found is None or not _guards(found):
        return DISMISSED
    text = spot.code.segment(found)
    if (
        isinstance(found.test, ast.Tuple)
        or "\n" in text
        or has_comment(text[len("assert") :])
        or not _is_alone(spot, found)
    ):
        return ADVICE
    if not spot.code.origin(ast.Name("AssertionError")):
        return ADVICE
    return Judgement(edits=(spot.code.edit(found, _raising(spot, found)),))


def _guards(found: ast.Assert) -> bool:
    """Return whether the condition of an assertion is about who may do something.

    One about the type of something, or about whether it is None, is not.
    """
    tested = found.test.operand if isinstance(found.test, ast.UnaryOp) else found.test
    if isinstance(tested, ast.Call) and ast.unparse(tested.func) in {"isinstance", "issubclass"}:
        return False
    if isinstance(tested, ast.Compare) and _is_none_test(tested):
        return False
    return any(_speaks_of_access(words(name)) for name in _identifiers(found.test))


def _is_none_test(node: ast.Compare) -> bool:
    """Return whether something is compared with None, or with a number."""
    values = [each.value for each in node.comparators if isinstance(each, ast.Constant)]
    return any(each is None or isinstance(each, int) for each in values)


def _identifiers(test: ast.expr) -> Iterator[str]:
    """Yield the names and attributes in a condition."""
    for node in ast.walk(test):
        if isinstance(node, ast.Name | ast.Attribute):
            yield node.id if isinstance(node, ast.Name) else node.attr


def _speaks_of_access(found: list[str]) -> bool:
    """Return whether the words of a name are about who may do something."""
    asks = found[:1] and found[0] in ASKING and ASKED_FOR & {*found}
    return bool(GUARDING & {*found} or asks)


def _raising(spot: Spot, found: ast.Assert) -> str:
    """Return the statement that raises what the assertion does."""
    (row, column), _ = spot.code.span(found)
    line = spot.code.line(row)
    indent, end = line[: column - 1], "\r\n" if line.endswith("\r\n") else "\n"
    step = "\t" if "\t" in indent else "    "
    message = f"({spot.code.segment(found.msg)})" if found.msg else ""
    head = f"if {_negated(spot, found.test)}:"
    return f"{head}{end}{indent}{step}raise AssertionError{message}"


def _negated(spot: Spot, test: ast.expr) -> str:
    """Return the opposite of a condition, for every type of its operands."""
    text = spot.code.segment(test)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = spot.code.segment(test.operand)
        return inner if not isinstance(test.operand, ast.NamedExpr) else f"({inner})"
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and type(test.ops[0]) in INVERSE:
        left, right = spot.code.segment(test.left), spot.code.segment(test.comparators[0])
        simple = ast.Name | ast.Attribute | ast.Constant | ast.Call | ast.Subscript
        if isinstance(test.left, simple) and isinstance(test.comparators[0], simple):
            return f"{left} {INVERSE[type(test.ops[0])]} {right}"
    plain = ast.Name | ast.Attribute | ast.Call | ast.Subscript
    return f"not {text}" if isinstance(test, plain) else f"not ({text})"


def _is_alone(spot: Spot, statement: ast.stmt) -> bool:
    """Return whether a statement has its line for itself, apart from a comment."""
    (first, start), (last, end) = spot.code.span(statement)
    before, after = spot.code.line(first)[: start - 1], spot.code.line(last)[end - 1 :].strip()
    return not before.strip() and not after


RULE = WeaknessRule(
    FixerDeclaration(
        rule="ruff:S101",
        phrase="check access by an if, not by an assert",
        severity=Severity.WARNING,
        commit_type="fix",
        behaviour=FixBehaviour("what happens under `python -O`: the check is made there as well"),
    ),
    judge,
    "`python -O` and PYTHONOPTIMIZE leave assertions out, and with them these checks.",
    examples=(
        example(
            """
            def f(user):
                assert user.is_admin, 'no'
                go()
            """,
            """
            def f(user):
                if not user.is_admin:
                    raise AssertionError('no')
                go()
            """,
        ),
        example(
            """
            assert not is_forbidden(x)
            """,
            """
            if is_forbidden(x):
                raise AssertionError
            """,
        ),
        example(
            """
            assert name in permissions
            """,
            """
            if name not in permissions:
                raise AssertionError
            """,
        ),
        example(
            """
            assert a.permission == b and c
            """,
            """
            if not (a.permission == b and c):
                raise AssertionError
            """,
        ),
        example(
            """
            assert user.is_admin  # always
            """,
        ),
        example(
            """
            AssertionError = E
            assert user.is_admin
            """,
        ),
        example(
            """
            if x: assert user.is_admin
            """,
        ),
    ),
    words=re.compile("|".join(sorted(GUARDING | ASKED_FOR)), re.IGNORECASE),
    left_alone=(
        code(
            """
            assert x > 0
            """
        ),
        code(
            """
            assert isinstance(password, str)
            """
        ),
        code(
            """
            assert permission is not None
            """
        ),
        code(
            """
            assert permissions == 0o644
            """
        ),
        code(
            """
            assert len(default_signature.arguments) == 2, "permission"
            """
        ),
        code(
            """
            assert admin_mail
            """
        ),
        code(
            """
            if not user.is_admin:
                raise AssertionError
            """
        ),
    ),
)
