"""What importing a module does besides defining what is in it."""

import ast
import sys
import sysconfig
from functools import cache
from pathlib import Path

from shared.kernel.syntax import parse

# Modules of the standard library whose import does something, or that exist on some systems only.
EFFECTFUL_STANDARD_MODULES = frozenset(
    {
        "antigravity",
        "this",
        "readline",
        "rlcompleter",
        "site",
        "sitecustomize",
        "usercustomize",
        "faulthandler",
        "idlelib",
        "lib2to3",
        "turtle",
        "turtledemo",
        "tkinter",
        "test",
        "curses",
        "winreg",
        "winsound",
        "msvcrt",
        "fcntl",
        "termios",
        "crypt",
        "nis",
        "ossaudiodev",
        "spwd",
    }
)
# Submodules that are there as soon as their packages are.
ALWAYS_THERE = frozenset({"os.path", "collections.abc"})


def is_plain_standard_module(dotted: str) -> bool:
    """Return whether a module belongs to the standard library and importing it has no effect.

    A submodule is none: importing it also makes it an attribute of its package, which others may
    rely on.
    """
    if dotted in ALWAYS_THERE:
        return True
    return dotted in sys.stdlib_module_names and dotted not in EFFECTFUL_STANDARD_MODULES


@cache
def is_standard_submodule(module: str, name: str) -> bool:
    """Return whether `from module import name` imports a submodule of the standard library."""
    if f"{module}.{name}" in ALWAYS_THERE:
        return False
    folder = Path(sysconfig.get_path("stdlib"), *module.split("."))
    return folder.is_dir() and (
        (folder / f"{name}.py").exists() or (folder / name / "__init__.py").exists()
    )


def effect_of_module(content: bytes) -> str:
    """Return what running a module's top level does besides defining names; empty if nothing.

    Its answer is the end of a clause. Imports are judged by those who follow them.
    """
    try:
        tree = parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "cannot be judged, as it does not parse"
    for node in tree.body:
        if why := _effect(node):
            return f"{why} at line {node.lineno}"
    return ""


def _effect(node: ast.stmt) -> str:
    """Return what a statement at the top level does besides binding names; empty if nothing."""
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Pass):
        return ""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        return _effects_of_all([*node.decorator_list, *defaults])
    if isinstance(node, ast.ClassDef):
        return _effect_of_class(node)
    if isinstance(node, ast.Assign):
        if not all(isinstance(each, ast.Name) for each in node.targets):
            return "assigns to something that is not its own"
        return _effects_of_all([node.value])
    if isinstance(node, ast.AnnAssign):
        return _effects_of_all([node.value] if node.value else [])
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return ""
    return "runs a statement"


def _effect_of_class(node: ast.ClassDef) -> str:
    """Return what defining a class may do besides binding its name; empty if nothing.

    A base may have `__init_subclass__` or a metaclass that registers the class.
    """
    if node.keywords or node.decorator_list:
        return "defines a class with a decorator or keywords"
    known = {"object", "Exception", "ValueError", "TypeError", "RuntimeError", "KeyError"}
    if not all(isinstance(each, ast.Name) and each.id in known for each in node.bases):
        return "defines a class with a base that may register it"
    return next((why for each in node.body if (why := _effect(each))), "")


def _effects_of_all(nodes: list[ast.expr]) -> str:
    """Return `calls something` if one of the expressions does, or suspends; else empty."""
    calls = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)
    if any(isinstance(inner, calls) for each in nodes for inner in ast.walk(each)):
        return "calls something"
    return ""
