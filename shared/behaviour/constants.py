"""The values of expressions that are made of literals only."""

import ast
from decimal import Decimal
from typing import Any

from shared.behaviour.code import ParsedFile

CONVERSIONS = {f"builtins.{each.__name__}": each for each in (str, int, float, bool)}
WHAT_IS_CONVERTED = (str, bytes, int, float)
TEXT_METHODS = ("split", "rsplit", "splitlines", "encode")


def compute(node: ast.AST, code: ParsedFile) -> object:
    """Return the value of an expression of literals. Raises ValueError, or what its call raises."""
    if not isinstance(node, ast.Call):
        return ast.literal_eval(node)
    keywords = {str(each.arg): _scalar(each.value) for each in node.keywords}
    arguments = [_scalar(each) for each in node.args]
    if isinstance(node.func, ast.Attribute) and node.func.attr in TEXT_METHODS:
        text = _scalar(node.func.value)
        if node.func.attr == "encode" and not _is_utf8([*arguments, *keywords.values()]):
            raise ValueError("encode")
        if isinstance(text, str):
            return getattr(text, node.func.attr)(*arguments, **keywords)
    if keywords:
        raise ValueError(ast.dump(node))
    return _convert(code.origin(node.func), arguments)


def _convert(origin: str, arguments: list[Any]) -> object:
    """Return what a conversion makes of literals. Raises ValueError for one that is not known.

    Decimal takes note of where it is given a float, and `bytes` makes as many as an int says.
    """
    if origin == "decimal.Decimal" and isinstance(arguments[0], int | str):
        return Decimal(*arguments)
    if origin in CONVERSIONS and all(isinstance(each, WHAT_IS_CONVERTED) for each in arguments):
        return CONVERSIONS[origin](*arguments)
    if origin == "builtins.bytes" and all(isinstance(each, bytes) for each in arguments):
        return bytes(*arguments)
    raise ValueError(origin)


def _scalar(node: ast.expr) -> object:
    """Return the value of a literal that holds no others. Raises ValueError for any other."""
    if not isinstance(node, ast.Constant | ast.UnaryOp):
        raise ValueError(ast.dump(node))  # noqa: TRY004 - as all that is no such literal
    return ast.literal_eval(node)


def _is_utf8(arguments: list[object]) -> bool:
    """Return whether all arguments of `encode` name UTF-8; true without arguments."""
    return all(str(each).lower().replace("_", "-") in {"utf-8", "utf8"} for each in arguments)
