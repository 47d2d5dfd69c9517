"""What importing a module does besides defining what is in it."""

import ast
import sys
import sysconfig
from functools import cache
from importlib import import_module
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
# Modules that some Python since 3.7, or some system, does not have.
NOT_EVERYWHERE = frozenset(
    [
        *("zoneinfo", "graphlib", "tomllib", "compression", "annotationlib"),
        *("aifc", "asynchat", "asyncore", "audioop", "binhex", "cgi", "cgitb", "chunk"),
        *("distutils", "formatter", "imghdr", "imp", "mailcap", "msilib", "nntplib"),
        *("nturl2path", "parser", "pipes", "smtpd", "sndhdr", "sre_compile"),
        *("sre_constants", "sre_parse", "sunau", "symbol", "telnetlib", "uu", "xdrlib"),
        *("grp", "nt", "posix", "pty", "pwd", "resource", "syslog", "tty"),
    ]
)
# Decorators of Python's own that only wrap the function.
PLAIN_DECORATORS = frozenset({"property", "staticmethod", "classmethod"})
GENERIC_BUILTINS = frozenset({"dict", "frozenset", "list", "set", "tuple", "type"})
CALLING = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)
FAILING = (ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.LShift, ast.RShift, ast.MatMult)
# Submodules that are there as soon as their packages are.
ALWAYS_THERE = frozenset({"os.path", "collections.abc"})


def is_plain_standard_module(dotted: str) -> bool:
    """Return whether a module belongs to every standard library and importing it has no effect.

    Neither does `__future__`, which changes the file that imports from it, nor a private module. A
    submodule is none: importing it also makes it an attribute of its package, which others may
    rely on.
    """
    if dotted in ALWAYS_THERE:
        return True
    odd = EFFECTFUL_STANDARD_MODULES | NOT_EVERYWHERE
    return dotted in sys.stdlib_module_names - odd and not dotted.startswith("_")


@cache
def standard_module_has(module: str, name: str) -> bool:
    """Return whether `from module import name` finds a name, for a plain standard module."""
    return hasattr(import_module(module), name)


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
        if why := effect_of_statement(node):
            return f"{why} at line {node.lineno}"
    return ""


def effect_of_statement(node: ast.stmt) -> str:
    """Return what a statement does besides binding names; empty if nothing."""
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Pass):
        return ""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return _effect_of_function(node)
    if isinstance(node, ast.ClassDef):
        return _effect_of_class(node)
    if isinstance(node, ast.Assign):
        if not all(isinstance(each, ast.Name) for each in node.targets):
            return "assigns to something that is not its own"
        return _effects_of_all([node.value])
    if isinstance(node, ast.AnnAssign):
        if not isinstance(node.target, ast.Name):
            return "assigns to something that is not its own"
        return _effects_of_all(list(filter(None, (node.value, node.annotation))))
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return ""
    return "runs a statement"


def _effect_of_function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return what defining a function may do besides binding its name; empty if nothing."""
    for each in node.decorator_list:
        if not isinstance(each, ast.Name) or each.id not in PLAIN_DECORATORS:
            return "calls something, as a decorator"
    parameters = [each for each in ast.walk(node.args) if isinstance(each, ast.arg)]
    annotations = [each.annotation for each in parameters]
    evaluated = [*node.args.defaults, *node.args.kw_defaults, *annotations, node.returns]
    return _effects_of_all(list(filter(None, evaluated)))


def _effect_of_class(node: ast.ClassDef) -> str:
    """Return what defining a class may do besides binding its name; empty if nothing.

    A base may have `__init_subclass__` or a metaclass that registers the class.
    """
    if node.keywords or node.decorator_list:
        return "defines a class with a decorator or keywords"
    known = {"object", "Exception", "ValueError", "TypeError", "RuntimeError", "KeyError"}
    if not all(isinstance(each, ast.Name) and each.id in known for each in node.bases):
        return "defines a class with a base that may register it"
    return next((why for each in node.body if (why := effect_of_statement(each))), "")


def _is_generic(node: ast.expr) -> bool:
    """Return whether a subscript of this is a type: of a capitalized name or a generic builtin."""
    return isinstance(node, ast.Name) and (node.id[:1].isupper() or node.id in GENERIC_BUILTINS)


def _effects_of_all(nodes: list[ast.expr]) -> str:
    """Return what evaluating expressions may do besides giving a value; empty if nothing.

    It may call something or suspend, or fail as a missing item or a division does. The types that
    annotations and aliases are made of, such as `dict[str, int] | None`, do neither.
    """
    for inner in (inner for each in nodes for inner in ast.walk(each)):
        if isinstance(inner, CALLING):
            return "calls something"
        if isinstance(inner, ast.Subscript) and not _is_generic(inner.value):
            return "reads an item, which may be missing"
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, FAILING):
            return "computes something, which may fail"
    return ""
