"""Whether loading a module does anything besides making what is defined in it."""

import ast
from collections.abc import Callable, Iterator
from functools import lru_cache

from shared.behaviour.code import ParsedFile
from shared.detectors.imports.facts import is_main_block

MAX_CACHED_MODULES = 4096
# Calls that only make a new object of their arguments, or give the one object of a name.
QUIET_CALLS = frozenset(
    [
        *("re.compile", "logging.getLogger", "collections.namedtuple", "object"),
        *("typing.TypeVar", "typing.NewType", "typing.ParamSpec", "typing.NamedTuple"),
        *("builtins.object", "builtins.frozenset", "builtins.tuple", "builtins.dict"),
        *(
            "builtins.list",
            "builtins.set",
            "enum.auto",
            "dataclasses.field",
            "dataclasses.dataclass",
        ),
        *("functools.lru_cache", "functools.wraps", "threading.Lock", "threading.RLock"),
        *("threading.local", "contextvars.ContextVar", "types.MappingProxyType"),
    ]
)
QUIET_DECORATORS = frozenset(
    [
        *("builtins.property", "builtins.staticmethod", "builtins.classmethod"),
        *("abc.abstractmethod", "contextlib.contextmanager", "contextlib.asynccontextmanager"),
        *("dataclasses.dataclass", "enum.unique", "functools.cache", "functools.cached_property"),
        *("functools.lru_cache", "functools.total_ordering", "functools.wraps"),
        *("typing.final", "typing.overload", "typing.override", "typing.no_type_check"),
        *("typing.runtime_checkable",),
    ]
)
QUIET_BASES = frozenset(
    [
        *("abc.ABC", "enum.Enum", "enum.IntEnum", "enum.StrEnum", "enum.Flag", "enum.IntFlag"),
        *("typing.Generic", "typing.NamedTuple", "typing.Protocol", "typing.TypedDict"),
    ]
)
# All of their classes only do what `abc.ABC` does: they look at no class below them.
QUIET_MODULES = ("builtins.", "collections.abc.")
QUIET_GENERICS = ("typing.", "collections.abc.", "builtins.", "collections.")
SUSPENDING = (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)
FAILING = (ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.LShift, ast.RShift, ast.MatMult)
TYPE_CHECKING = frozenset({"typing.TYPE_CHECKING"})
# The argument is the name of a base class that the file imports.
IsQuietBase = Callable[[str], bool]


def noise_of_module(content: bytes, is_quiet_base: IsQuietBase = lambda _: False) -> str:
    """Return what loading a module does besides binding names, as a clause; empty if nothing.

    Imports are judged by those who follow them. `is_quiet_base` tells whether a class of another
    file of the repository, under the name that it is imported by, is made without a side effect.
    """
    code = _parsed(content)
    if code is None:
        return "cannot be judged, as it does not parse"
    for node in code.tree.body:
        if why := _Noise(code, is_quiet_base).of(node):
            return f"{why} at line {node.lineno}"
    return ""


def is_quiet_class(content: bytes, name: str, is_quiet_base: IsQuietBase) -> bool:
    """Return whether subclasses of a class at the top level of a file register nowhere.

    Neither it nor one of its bases has a metaclass or `__init_subclass__`.
    """
    code = _parsed(content)
    return code is not None and _Noise(code, is_quiet_base).has_quiet_class(name)


def is_quiet_decorator(node: ast.expr, code: ParsedFile) -> bool:
    """Return whether a decorator is one of Python's own that only wraps what it is given."""
    called = node.func if isinstance(node, ast.Call) else node
    if isinstance(called, ast.Attribute) and called.attr in {"setter", "deleter"}:
        return isinstance(called.value, ast.Name)
    return code.origin(called) in QUIET_DECORATORS


@lru_cache(maxsize=MAX_CACHED_MODULES)
def _parsed(content: bytes) -> ParsedFile | None:
    """Return a parsed file, from a cache; None where it cannot be parsed."""
    try:
        code = ParsedFile("", content.decode())
        _ = code.tree, code.bindings
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return code


class _Noise:
    """Tells what running a statement does besides binding names, as a clause; empty if nothing."""

    def __init__(self, code: ParsedFile, is_quiet_base: IsQuietBase) -> None:
        self._code = code
        self._is_quiet_base = is_quiet_base

    def has_quiet_class(self, name: str) -> bool:
        """Return whether the file defines a class of that name that looks at none below it."""
        own = self._own_class(name)
        return own is not None and not self.of_bases(own)

    def of(self, node: ast.stmt) -> str:
        """Return what a statement at the top level, or in a class, does."""
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Pass):
            return ""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return self._of_function(node)
        if isinstance(node, ast.ClassDef):
            return self._of_class(node)
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if not all(isinstance(e, ast.Name) or self._is_of_own_class(e) for e in targets):
                return "assigns to something that is not its own"
            annotation = node.annotation if isinstance(node, ast.AnnAssign) else None
            return self._of_values(node.value) or self._of_annotation(annotation)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return ""
        if is_main_block(node):
            return ""
        if isinstance(node, ast.If) and self._code.origin(node.test) in TYPE_CHECKING:
            return next((why for each in node.orelse if (why := self.of(each))), "")
        return "runs a statement"

    def _is_of_own_class(self, target: ast.expr) -> bool:
        """Return whether a target is an attribute of a class of the file, which only keeps it."""
        if not isinstance(target, ast.Attribute) or not isinstance(target.value, ast.Name):
            return False
        return self.has_quiet_class(target.value.id)

    def _own_class(self, name: str) -> ast.ClassDef | None:
        """Return the class of that name at the top level of the file if nothing else binds it."""
        found = [e for e in self._code.tree.body if isinstance(e, ast.ClassDef) and e.name == name]
        return found[0] if len(found) == 1 and self._code.bindings[name] == 1 else None

    def _of_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
        """Return what defining a function does."""
        if why := self._of_decorators(node.decorator_list):
            return why
        parameters = [each for each in ast.walk(node.args) if isinstance(each, ast.arg)]
        for each in (*(parameter.annotation for parameter in parameters), node.returns):
            if why := self._of_annotation(each):
                return why
        return self._of_values(*node.args.defaults, *node.args.kw_defaults)

    def _of_class(self, node: ast.ClassDef) -> str:
        """Return what defining a class does."""
        if why := self._of_decorators(node.decorator_list) or self.of_bases(node):
            return why
        return next((why for each in node.body if (why := self.of(each))), "")

    def of_bases(self, node: ast.ClassDef) -> str:
        """Return what the bases of a class may do when it, or a class below it, is defined."""
        if any(isinstance(e, ast.FunctionDef) and e.name == "__init_subclass__" for e in node.body):
            return f"defines `{node.name}`, which looks at the classes below it"
        if any(each.arg not in {"total", "frozen"} for each in node.keywords):
            return f"defines `{node.name}` with a metaclass or another keyword"
        if any(not self._is_quiet(each) for each in node.bases):
            return f"defines `{node.name}`, with a base that may register it"
        return ""

    def _is_quiet(self, base: ast.expr) -> bool:
        """Return whether a base does nothing when a class below it is defined."""
        if isinstance(base, ast.Subscript):
            base = base.value
        origin = self._code.origin(base)
        if origin.startswith(QUIET_MODULES) or origin in QUIET_BASES:
            return True
        if not isinstance(base, ast.Name):
            return False
        own = self._own_class(base.id)
        if own is not None:
            return not self.of_bases(own)
        return self._is_quiet_base(base.id)

    def _of_decorators(self, decorators: list[ast.expr]) -> str:
        """Return what decorators do."""
        for each in decorators:
            if not is_quiet_decorator(each, self._code):
                return f"calls `{ast.unparse(each)[:40]}`, as a decorator"
            if isinstance(each, ast.Call) and (why := self._of_values(*each.args)):
                return why
        return ""

    def _of_annotation(self, node: ast.expr | None) -> str:
        """Return what evaluating an annotation does; types may be subscripted."""
        if node is None:
            return ""
        return next(self._of_parts(node, any_subscript=True), "")

    def _of_values(self, *nodes: ast.expr | None) -> str:
        """Return what evaluating expressions does besides giving a value."""
        parts = (why for each in nodes if each is not None for why in self._of_parts(each))
        return next(parts, "")

    def _of_parts(self, root: ast.expr, *, any_subscript: bool = False) -> Iterator[str]:
        """Yield what the parts of an expression may do, or where they may fail."""
        for node in ast.walk(root):
            if isinstance(node, SUSPENDING):
                yield "binds or suspends within an expression"
            elif isinstance(node, ast.Call) and self._code.origin(node.func) not in QUIET_CALLS:
                yield f"calls `{ast.unparse(node.func)[:40]}`"
            elif isinstance(node, ast.Subscript) and not any_subscript:
                if not self._code.origin(node.value).startswith(QUIET_GENERICS):
                    yield "reads an item, which may be missing"
            elif isinstance(node, ast.BinOp) and isinstance(node.op, FAILING):
                yield "computes something, which may fail"
