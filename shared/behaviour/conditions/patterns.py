"""Edits that compile a regular expression once, as a constant of the module.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast
import copy
import re
from collections.abc import Iterator, Mapping

from shared.behaviour.code import BUILTINS, ParsedFile, bound_names, same, uses
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.evidence import is_plain_local
from shared.behaviour.import_names import named_in_text
from shared.behaviour.place import Place

COMPILE = "re.compile"
# Functions of `re` that patterns have as methods, with what comes after the pattern. What follows
# these arguments would be the flags.
METHODS = {
    "match": ("string",),
    "fullmatch": ("string",),
    "search": ("string",),
    "findall": ("string",),
    "finditer": ("string",),
    "split": ("string", "maxsplit"),
    "sub": ("repl", "string", "count"),
    "subn": ("repl", "string", "count"),
}
FLAGS = frozenset({"A", "ASCII", "I", "IGNORECASE", "M", "MULTILINE", "S", "DOTALL"}) | frozenset(
    {"X", "VERBOSE", "U", "UNICODE"}
)
MAX_PATTERN_CHARACTERS = 500
# What newer Pythons read in another way than older ones, or warn about.
UNCERTAIN = ("[[", "--", "&&", "~~", "||", "(?>", "++", "*+", "?+", "}+")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def pattern_of(node: ast.AST, code: ParsedFile) -> tuple[ast.Call, str] | None:
    """Return the call that compiles the constant pattern of a call, and the method that is called.

    The method is empty for `re.compile` itself. Returns None for any other call, and for a pattern
    that may not compile on every Python, or not without a warning.
    """
    if not isinstance(node, ast.Call) or not node.args or not _is_module_re(node.func, code):
        return None
    name = code.origin(node.func).removeprefix("re.")
    flags = _flags(node, name)
    if flags is None or not _is_certain(node.args[0], flags, code):
        return None
    function = copy.deepcopy(node.func)
    if isinstance(function, ast.Attribute):
        function.attr = "compile"
    elif name != "compile":
        return None
    return ast.Call(function, [node.args[0], *flags], []), "" if name == "compile" else name


def _is_module_re(function: ast.expr, code: ParsedFile) -> bool:
    """Return whether a function is one of `re` that takes a pattern, and `re` is left as it is."""
    origin = code.origin(function)
    if origin != COMPILE and origin.removeprefix("re.") not in METHODS:
        return False
    return origin.startswith("re.") and not any(
        isinstance(n, ast.Attribute)
        and not isinstance(n.ctx, ast.Load)
        and code.origin(n.value) == "re"
        for n in ast.walk(code.tree)
    )


def _flags(node: ast.Call, name: str) -> list[ast.expr] | None:
    """Return the flags of a call in a list, empty without any; None if there is more that differs.

    The flags of a call of a method have to be a keyword.
    """
    if any(isinstance(each, ast.Starred) for each in node.args):
        return None
    names = {each.arg for each in node.keywords}
    given = [each.value for each in node.keywords if each.arg == "flags"]
    if name == "compile":
        if names - {"flags"} or len(node.args) + len(given) > 2:
            return None
        return [*node.args[1:], *given]
    positional = METHODS[name][: len(node.args) - 1]
    allowed = {*METHODS[name], "flags"} - {*positional}
    return given if len(node.args) - 1 <= len(METHODS[name]) and names <= allowed else None


def _is_certain(pattern: ast.expr, flags: list[ast.expr], code: ParsedFile) -> bool:
    """Return whether a pattern is a constant that compiles on every Python, and without effects."""
    value = pattern.value if isinstance(pattern, ast.Constant) else None
    if not isinstance(value, str | bytes) or len(value) > MAX_PATTERN_CHARACTERS:
        return False
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    if not text.isascii() or "\\u" in text.lower() or "\\n{" in text.lower():
        return False
    if any(each in text for each in UNCERTAIN):
        return False
    wanted = [code.origin(part) for each in flags for part in _alternatives(each)]
    if not all(each.startswith("re.") and each.removeprefix("re.") in FLAGS for each in wanted):
        return False
    try:
        re.compile(value, sum({getattr(re, each.removeprefix("re.")) for each in wanted}))
    except (re.error, ValueError, OverflowError, RecursionError):
        return False
    return True


def _alternatives(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the operands of nested `|`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from _alternatives(node.left)
        yield from _alternatives(node.right)
    else:
        yield node


def compiled_constants(code: ParsedFile) -> dict[str, ast.Assign]:
    """Return the assignments of compiled patterns at the top level, by their names.

    Each is the only one that binds its name.
    """
    found = {}
    for each in code.tree.body:
        if not isinstance(each, ast.Assign) or len(each.targets) != 1:
            continue
        target = each.targets[0]
        if isinstance(target, ast.Name) and code.bindings[target.id] == 1:
            if (made := pattern_of(each.value, code)) is not None and not made[1]:
                found[target.id] = each
    return found


@condition("only private constants are added, each a compiled pattern under a free name")
def added_pattern(place: Place) -> Answer:
    """Compiling a pattern that is known to be valid has no effect, and nothing reads the name yet.

    `re` is imported before.
    """
    if place.before or not place.after or not isinstance(place.parent, ast.Module):
        return None
    if not all(isinstance(each, ast.Assign) for each in place.after):
        return None
    constants = compiled_constants(place.new_code)
    for each in place.after:
        name = next((n for n, made in constants.items() if made is each), "")
        if not name.startswith("_") or name.startswith("__"):
            return "it is no private constant that is a compiled pattern"
        if place.code.bindings[name] or name in BUILTINS or uses(place.code.tree, name):
            return f"`{name}` means something else in the file"
        if place.code.binds_any_name or named_in_text(place.code, name):
            return f"`{name}` may be bound or read without being spelled"
        if taken := place.taken.taken(place.code.path, name):
            return f"`{name}` may be taken from this module: {taken}"
    return HOLDS


@condition("the constant is the same pattern, compiled before the function can be called")
def compiled_once(place: Place) -> Answer:
    """`re` gives the same pattern for the same text and flags, and nothing can change a pattern.

    A variable that only named the pattern is gone, and what read it reads the constant.
    """
    function, new = place.function, place.new_function
    if not isinstance(function, FUNCTIONS) or not isinstance(new, FUNCTIONS):
        return None
    if place.code.reads_any_name or place.new_code.binds_any_name:
        return "something in the file reads names that it does not spell"
    taken_up = _names(new) - _names(function)
    constants = {
        ast.dump(pattern[0]): name
        for name, made in compiled_constants(place.new_code).items()
        if name in taken_up and _is_before(made, new, place)
        if (pattern := pattern_of(made.value, place.new_code)) is not None
    }
    if not constants:
        return None
    expected = hoisted(function, constants, place.code)
    if same(expected, function):
        return None
    return HOLDS if same(expected, new) else "more is changed in the function than its patterns"


def asked_constant(node: ast.AST, code: ParsedFile) -> tuple[str, str] | None:
    """Return the compiled constant that `re.match(CONSTANT, ...)` without flags asks, and how."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    method, asked = node.func.attr, next(iter(node.args), None)
    if not isinstance(asked, ast.Name) or method not in METHODS:
        return None
    is_asked = asked.id in compiled_constants(code) and _is_module_re(node.func, code)
    return (asked.id, method) if is_asked and _flags(node, method) == [] else None


@condition("`re` asks the method of the same name of a compiled pattern, which is a constant")
def own_method(place: Place) -> Answer:
    """A function of `re` that is given a compiled pattern calls its method with the rest."""
    found = None if place.old is None else asked_constant(place.old, place.code)
    if found is None or not isinstance(place.old, ast.Call) or place.new is None:
        return None
    asked = ast.Attribute(place.old.args[0], found[1], ast.Load())
    if not same(ast.Call(asked, place.old.args[1:], place.old.keywords), place.new):
        return None
    if found[0] in compiled_constants(place.new_code) and not place.code.binds_any_name:
        return HOLDS
    return f"`{found[0]}` may be something else than a compiled pattern"


def _names(root: ast.AST) -> set[str]:
    """Return the names of the variables below `root`."""
    return {each.id for each in ast.walk(root) if isinstance(each, ast.Name)}


def _is_before(made: ast.Assign, function: ast.AST, place: Place) -> bool:
    """Return whether a constant is made before the statement at the top with a function begins."""
    top = next((new for _, new in place.around[1:2]), function)
    decorators = getattr(top, "decorator_list", [])
    first = min(getattr(each, "lineno", 0) for each in (top, *decorators))
    return (made.end_lineno or 0) < first


def hoisted(
    function: ast.FunctionDef | ast.AsyncFunctionDef, constants: Mapping[str, str], code: ParsedFile
) -> ast.AST:
    """Return a function that reads constants (names by dumped call) in place of compiling.

    A variable that only names one of these patterns goes.
    """
    gone = {
        name: constants[ast.dump(made[0])]
        for name, value in named_patterns(function).items()
        if (made := pattern_of(value, code)) is not None and ast.dump(made[0]) in constants
    }
    hoisting = _Hoisted(constants, gone, code)
    after: ast.AST = hoisting.visit(copy.deepcopy(function))
    return after


def named_patterns(function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, ast.expr]:
    """Return the variables that a statement of a function's own body binds once, with the value.

    They are only read after it, and in no inner function.
    """
    found: dict[str, ast.expr] = {}
    bound = [*bound_names(function)]
    for each in function.body:
        if not isinstance(each, ast.Assign) or len(each.targets) != 1:
            continue
        target = each.targets[0]
        if not isinstance(target, ast.Name) or bound.count(target.id) != 1:
            continue
        end = each.end_lineno or 0
        reads = [each for each in uses(function, target.id) if each is not target]
        later = reads and all(each.lineno > end for each in reads)
        if later and is_plain_local(target.id, function) and _is_compile(each.value):
            found[target.id] = each.value
    return found


def _is_compile(node: ast.expr) -> bool:
    """Return whether an expression looks like a call of `re.compile`."""
    return isinstance(node, ast.Call) and ast.unparse(node.func).endswith("compile")


class _Hoisted(ast.NodeTransformer):
    """Puts constants in place of patterns, by dumped call, and of variables that name one."""

    def __init__(
        self, constants: Mapping[str, str], gone: Mapping[str, str], code: ParsedFile
    ) -> None:
        self._constants = constants
        self._gone = gone
        self._code = code

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        """Return an assignment, or None for that of a variable that goes."""
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id in self._gone:
            return None
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Return a variable, or the constant that takes its place."""
        return ast.Name(self._gone.get(node.id, node.id), node.ctx)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Return a call, or the constant or its method that takes its place."""
        made = pattern_of(node, self._code)
        self.generic_visit(node)
        name = self._constants.get(ast.dump(made[0])) if made is not None else None
        if made is None or name is None:
            return node
        constant = ast.Name(name, ast.Load())
        if not made[1]:
            return constant
        keywords = [each for each in node.keywords if each.arg != "flags"]
        return ast.Call(ast.Attribute(constant, made[1], ast.Load()), node.args[1:], keywords)
