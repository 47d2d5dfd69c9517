"""Rewrites of calls on their concrete syntax trees, so that layout and comments stay.

Each takes the text of one call, and returns the new text or None where that is not surely right.
"""

import io
import tokenize
from collections.abc import Callable

import libcst as cst

NO_SPACE = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
Rewrite = Callable[[cst.Call], cst.Call | None]


def rewritten(text: str, rewrite: Rewrite) -> str | None:
    """Return the text of a call after a rewrite; None where it has comments or is no call."""
    if has_comment(text):
        return None
    try:
        call = parsed_expression(text)
        made = rewrite(call) if isinstance(call, cst.Call) else None
    except (cst.ParserSyntaxError, RecursionError):
        return None
    return None if made is None else cst.Module([]).code_for_node(made)


def parsed_expression(text: str) -> cst.BaseExpression:
    """Return an expression as a concrete tree, also one that has line ends as in parentheses.

    Raises ParserSyntaxError and RecursionError.
    """
    node = cst.parse_expression(f"({text})")
    return node.with_changes(lpar=node.lpar[1:], rpar=node.rpar[:-1])


def has_comment(text: str) -> bool:
    """Return whether an expression has a comment in it, or cannot be tokenized."""
    if "#" not in text:
        return False
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(f"({text}\n)").readline))
    except (tokenize.TokenError, SyntaxError):
        return True
    return any(each.type == tokenize.COMMENT for each in tokens)


def add_keyword(name: str, value: str) -> Rewrite:
    """Return a rewrite that passes one more keyword, after the other arguments."""

    def rewrite(call: cst.Call) -> cst.Call | None:
        """Add the keyword in the layout that the call has."""
        made = cst.Arg(parsed_expression(value), keyword=cst.Name(name), equal=NO_SPACE)
        if not call.args:
            return call.with_changes(args=[made])
        *before, last = call.args
        if isinstance(last.value, cst.GeneratorExp) and not last.value.lpar:
            return None
        between = before[-1].comma if before else _comma_after_opening(call, last)
        made = made.with_changes(comma=last.comma, whitespace_after_arg=last.whitespace_after_arg)
        last = last.with_changes(comma=between, whitespace_after_arg=cst.SimpleWhitespace(""))
        return call.with_changes(args=[*before, last, made])

    return rewrite


def _comma_after_opening(call: cst.Call, last: cst.Arg) -> cst.Comma:
    """Return what separates a second argument from the only one: a line end if one is before it."""
    space = call.whitespace_before_args
    one_line = isinstance(space, cst.SimpleWhitespace) and not space.value
    has_own_lines = not one_line or not isinstance(last.comma, cst.MaybeSentinel)
    after = space if has_own_lines and not one_line else cst.SimpleWhitespace(" ")
    return cst.Comma(whitespace_after=after)


def drop_keyword(name: str) -> Rewrite:
    """Return a rewrite that no longer passes a keyword."""

    def rewrite(call: cst.Call) -> cst.Call | None:
        """Drop the keyword, with the comma that separates it from its neighbour."""
        at = _index(call, name)
        if at is None:
            return None
        kept = [each for n, each in enumerate(call.args) if n != at]
        if at == len(kept) and kept:
            gone = call.args[at]
            kept[-1] = kept[-1].with_changes(
                comma=gone.comma, whitespace_after_arg=gone.whitespace_after_arg
            )
        space = call.whitespace_before_args if kept else cst.SimpleWhitespace("")
        return call.with_changes(args=kept, whitespace_before_args=space)

    return rewrite


def set_keyword(name: str, value: str) -> Rewrite:
    """Return a rewrite that passes another value for a keyword that is passed already."""

    def rewrite(call: cst.Call) -> cst.Call | None:
        """Replace the value, and leave all else."""
        at = _index(call, name)
        if at is None:
            return None
        arguments = list(call.args)
        arguments[at] = arguments[at].with_changes(value=parsed_expression(value))
        return call.with_changes(args=arguments)

    return rewrite


def set_function(name: str) -> Rewrite:
    """Return a rewrite that calls another function with the same arguments."""
    return lambda call: call.with_changes(func=parsed_expression(name))


def set_argument(index: int, value: str) -> Rewrite:
    """Return a rewrite that passes another value for a positional argument."""

    def rewrite(call: cst.Call) -> cst.Call | None:
        """Replace the value, and leave all else."""
        arguments = list(call.args)
        if index >= len(arguments) or arguments[index].keyword or arguments[index].star:
            return None
        arguments[index] = arguments[index].with_changes(value=parsed_expression(value))
        return call.with_changes(args=arguments)

    return rewrite


def drop_argument(index: int) -> Rewrite:
    """Return a rewrite that no longer passes a positional argument, the last of all."""

    def rewrite(call: cst.Call) -> cst.Call | None:
        """Drop the argument, which must be the last one."""
        if index != len(call.args) - 1 or index == 0:
            return None
        *kept, gone = call.args
        kept[-1] = kept[-1].with_changes(
            comma=gone.comma, whitespace_after_arg=gone.whitespace_after_arg
        )
        return call.with_changes(args=kept)

    return rewrite


def in_turn(*rewrites: Rewrite) -> Rewrite:
    """Return a rewrite that makes several, or none where one of them cannot be made."""

    def rewrite(call: cst.Call) -> cst.Call | None:
        """Make one rewrite on the result of the one before."""
        made: cst.Call | None = call
        for each in rewrites:
            made = each(made) if made is not None else None
        return made

    return rewrite


def _index(call: cst.Call, name: str) -> int | None:
    """Return which argument of a call is the keyword; None if none is."""
    found = (n for n, each in enumerate(call.args) if each.keyword and each.keyword.value == name)
    return next(found, None)
