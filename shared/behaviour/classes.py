"""Properties of the classes that a file defines, as far as the file itself shows them."""

import ast
import builtins

from shared.behaviour.code import ParsedFile, bound_names


def is_known_class(node: ast.expr, code: ParsedFile) -> bool:
    """Return whether an expression is a builtin, or a class of the file that is plainly one.

    Such a class has no decorator, keywords or other bases, so that nothing else makes or replaces
    it.
    """
    if code.origin(node).startswith("builtins."):
        return True
    found = _class_of(node, code)
    return found is not None and is_plain_class(found, code)


def is_plain_class(node: ast.ClassDef, code: ParsedFile) -> bool:
    """Return whether a class has neither decorators nor keywords, and only known bases."""
    if node.decorator_list or node.keywords or getattr(node, "type_params", None):
        return False
    return all(is_known_class(each, code) for each in node.bases)


def is_exception(node: ast.expr, code: ParsedFile) -> bool:
    """Return whether an expression is an exception class, whose calls give its own instances."""
    origin = code.origin(node)
    if origin.startswith("builtins."):
        value = getattr(builtins, origin.removeprefix("builtins."), None)
        return isinstance(value, type) and issubclass(value, BaseException)
    found = _class_of(node, code)
    if found is None or not is_plain_class(found, code) or not found.bases:
        return False
    makes_others = any("__new__" in bound_names(each) for each in found.body)
    return not makes_others and all(is_exception(each, code) for each in found.bases)


def _class_of(node: ast.expr, code: ParsedFile) -> ast.ClassDef | None:
    """Return the class at the top level of the file that a name always means; else None."""
    if not isinstance(node, ast.Name) or code.bindings[node.id] != 1 or code.binds_any_name:
        return None
    found = (e for e in code.tree.body if isinstance(e, ast.ClassDef) and e.name == node.id)
    return next(found, None)
