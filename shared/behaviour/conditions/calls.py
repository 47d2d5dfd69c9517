"""Edits of how parts of the standard library are called and named."""

import ast
from collections.abc import Mapping

from shared.behaviour.code import same
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.conditions.spelling import not_builtin
from shared.behaviour.place import Place

# Names of one object, with the oldest Python in which they are that.
ALIASES: Mapping[str, tuple[str, tuple[int, int]]] = {
    "builtins.IOError": ("builtins.OSError", (3, 3)),
    "builtins.EnvironmentError": ("builtins.OSError", (3, 3)),
    "socket.error": ("builtins.OSError", (3, 3)),
    "select.error": ("builtins.OSError", (3, 3)),
    "socket.timeout": ("builtins.TimeoutError", (3, 10)),
    "asyncio.TimeoutError": ("builtins.TimeoutError", (3, 11)),
    "concurrent.futures.TimeoutError": ("builtins.TimeoutError", (3, 11)),
    "io.open": ("builtins.open", (3, 0)),
    "logging.WARN": ("logging.WARNING", (3, 0)),
    "typing.Text": ("builtins.str", (3, 5)),
    **{
        f"re.{short}": (f"re.{name}", (3, 6))
        for short, name in {
            "A": "ASCII",
            "I": "IGNORECASE",
            "L": "LOCALE",
            "M": "MULTILINE",
            "S": "DOTALL",
            "U": "UNICODE",
            "X": "VERBOSE",
        }.items()
    },
}
RUN = "subprocess.run"
POPEN = {RUN, "subprocess.Popen", "subprocess.check_output", "subprocess.call"}
POPEN |= {"subprocess.check_call"}


def canonical(origin: str, place: Place) -> str:
    """Return the name that an alias stands for on every Python that the target supports."""
    found = ALIASES.get(origin)
    if found is None:
        return origin
    name, since = found
    old_enough = since <= (3, 7) or place.supports(since)
    return name if old_enough else origin


@condition("both names are those of one object of the standard library")
def alias(place: Place) -> Answer:
    """The documentation of the standard library says that they are one object.

    Both names are resolved by the file's imports, and neither is bound by anything else in it.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Name | ast.Attribute) or not isinstance(
        new, ast.Name | ast.Attribute
    ):
        return None
    origins = place.code.origin(old), place.code.origin(new)
    if not all(origins):
        unknown = old if not origins[0] else new
        return f"what {place.at(unknown)} is cannot be told from the imports"
    one, other = (canonical(each, place) for each in origins)
    if one == other:
        return HOLDS
    if ALIASES.get(origins[0], ("",))[0] == other:
        return f"{place.at(old)} is another object on the oldest Python that the target supports"
    return None


@condition("the function called is Python's own, and the argument is its default")
def default_argument(place: Place) -> Answer:
    """Leaving out an argument that equals its documented default calls the function alike.

    `range(0, n)` is `range(n)`; `open(path, "r")` is `open(path)`, in every order of its letters
    that means reading text.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Call) or not isinstance(new, ast.Call):
        return None
    if not same(old.func, new.func) or not isinstance(old.func, ast.Name):
        return None
    if old.func.id == "range" and len(old.args) == 2:
        zero = isinstance(old.args[0], ast.Constant) and old.args[0].value == 0
        fits = zero and len(new.args) == 1 and same(old.args[1], new.args[0])
        return not_builtin(place, old.func) if fits and not old.keywords else None
    if old.func.id == "open" and _mode(old) is not None:
        equal = _mode_meaning(old) == _mode_meaning(new) and _rest(old) == _rest(new)
        return not_builtin(place, old.func) if equal else None
    return None


def _mode(call: ast.Call) -> str | None:
    """Return the mode in a call of `open` if it is given as a text literal; else None."""
    given = call.args[1] if len(call.args) > 1 else None
    given = given or next((each.value for each in call.keywords if each.arg == "mode"), None)
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        return given.value
    return None


def _mode_meaning(call: ast.Call) -> str:
    """Return the letters of the mode of `open` that are no defaults, sorted; `r` if none."""
    letters = set(_mode(call) or "r") - {"t", "U"}
    return "".join(sorted(letters or {"r"}))


def _rest(call: ast.Call) -> list[str]:
    """Return the arguments of a call of `open` besides the mode, as dumped syntax trees."""
    kept = [each for each in call.keywords if each.arg != "mode"]
    return [ast.dump(each) for each in (*call.args[:1], *call.args[2:], *kept)]


@condition("the decorator is that of functools")
def cache_decorator(place: Place) -> Answer:
    """`@lru_cache` is `@lru_cache()` from Python 3.8 on.

    `functools.cache` is defined as `lru_cache(maxsize=None)`, from Python 3.9 on.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Call) or new is None or old.args:
        return None
    keywords = {each.arg: each.value for each in old.keywords}
    unbounded = keywords.pop("maxsize", None)
    if keywords or not isinstance(new, ast.Name | ast.Attribute):
        return None
    origin, after = _functools(old.func, place), _functools(new, place)
    if not after.startswith("functools."):
        return f"what {place.at(new)} is cannot be told from the imports" if after else None
    if origin != "functools.lru_cache":
        return f"what {place.at(old.func)} is cannot be told from the imports"
    if unbounded is None:
        return HOLDS if after == origin else None
    is_none = isinstance(unbounded, ast.Constant) and unbounded.value is None
    return HOLDS if is_none and after == "functools.cache" else None


def _functools(node: ast.AST, place: Place) -> str:
    """Return the dotted origin of a decorator; `?` if it is unknown.

    An unbound `cache` is taken for that of functools: the fix imports it at a place of its own.
    """
    origin = place.code.origin(node)
    if not origin and isinstance(node, ast.Name) and node.id == "cache":
        return "functools.cache" if not place.code.bindings["cache"] else "?"
    return origin or "?"


@condition("the function is one of subprocess's")
def subprocess_argument(place: Place) -> Answer:
    """`text` is documented as another name of `universal_newlines`, from Python 3.7 on.

    `capture_output=True` makes `subprocess.run` set `stdout` and `stderr` to `PIPE`.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Call) or not isinstance(new, ast.Call):
        return None
    if not same(old.func, new.func) or len(old.args) != len(new.args):
        return None
    if not all(map(same, old.args, new.args)):
        return None
    one, other = _popen_arguments(old, place), _popen_arguments(new, place)
    if one is None or other is None or one != other:
        return None
    if place.code.origin(old.func) in POPEN:
        return HOLDS
    return f"what {place.at(old.func)} is cannot be told from the imports"


def _popen_arguments(call: ast.Call, place: Place) -> dict[str, str] | None:
    """Return the keywords, by their newest names, with dumped values; None if one is unpacked."""
    found: dict[str, str] = {}
    for each in call.keywords:
        if each.arg is None:
            return None
        value = ast.dump(each.value)
        if place.code.origin(each.value) == "subprocess.PIPE":
            value = "PIPE"
        found["text" if each.arg == "universal_newlines" else each.arg] = value
    if found.get("stdout") == found.get("stderr") == "PIPE":
        found = {key: each for key, each in found.items() if key not in {"stdout", "stderr"}}
        found["capture_output"] = ast.dump(ast.Constant(True))
    return found


@condition("the class has no other bases and no keywords")
def object_base(place: Place) -> Answer:
    """A class without bases has `object` as its only base; naming it gives the same tuple of bases.

    With a metaclass or with other bases, the tuple that these are given would differ.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.ClassDef) or not isinstance(new, ast.ClassDef):
        return None
    dropped = [each for each in old.bases if isinstance(each, ast.Name) and each.id == "object"]
    if not dropped or not same(_without_bases(old), _without_bases(new)):
        return None
    if old.keywords or len(old.bases) > 1 or new.bases:
        return "a metaclass or another base may look at the bases"
    return not_builtin(place, dropped[0])


def _without_bases(node: ast.ClassDef) -> ast.ClassDef:
    """Return a copy of a class definition without its base classes."""
    fields = {name: getattr(node, name) for name in node._fields}
    return ast.ClassDef(**{**fields, "bases": []})


@condition("the class is never another object than the one around the method")
def zero_argument_super(place: Place) -> Answer:
    """`super()` means `super(C, self)` where `C` is the class around and `self` the first argument.

    Spelled out, `C` is looked up when the method runs: so its name must be bound once, to this
    class, at the top level; no decorator, keyword or unknown base may replace the class (one with
    slots is made anew); and the first argument keeps its value, in the method itself.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Call) or not isinstance(new, ast.Call) or len(old.args) != 2:
        return None
    if new.args or new.keywords or old.keywords or not same(old.func, new.func):
        return None
    if not isinstance(old.func, ast.Name) or old.func.id != "super":
        return None
    function, owner = place.function, next(iter(place.parents[1:2]), None)
    if not isinstance(owner, ast.ClassDef) or not isinstance(function, ast.FunctionDef):
        return "it is not in a method of a class at the top level"
    return _super_reason(place, owner, function, old)


def _super_reason(
    place: Place, owner: ast.ClassDef, function: ast.FunctionDef, call: ast.Call
) -> Answer:
    """Return why `super(C, self)` may differ from `super()` in a method; `HOLDS` if it cannot."""
    first = [*function.args.posonlyargs, *function.args.args][:1]
    names = [each.id if isinstance(each, ast.Name) else "" for each in call.args]
    if not first or names != [owner.name, first[0].arg] or function not in owner.body:
        return "its arguments are not the class around it and the first argument of the method"
    if place.code.bindings[owner.name] != 1:
        return f"`{owner.name}` is bound more than once"
    if owner.decorator_list or owner.keywords:
        return f"`{owner.name}` may be replaced by its decorator or metaclass"
    if sum(
        isinstance(n, ast.Name) and n.id == names[1] and not isinstance(n.ctx, ast.Load)
        for n in ast.walk(function)
    ):
        return f"`{names[1]}` is assigned in the method"
    for base in owner.bases:
        if not _is_known_base(base, place):
            return f"the base {place.at(base)} may have a metaclass that replaces the class"
    return not_builtin(place, call.func)


def _is_known_base(base: ast.expr, place: Place) -> bool:
    """Return whether a base is a builtin, or a class of the same file with such bases only."""
    if place.code.origin(base).startswith("builtins."):
        return True
    if not isinstance(base, ast.Name) or place.code.bindings[base.id] != 1:
        return False
    for each in place.code.tree.body:
        if isinstance(each, ast.ClassDef) and each.name == base.id:
            plain = not each.keywords and not each.decorator_list
            return plain and all(_is_known_base(inner, place) for inner in each.bases)
    return False


@condition("what is raised is a class")
def raised_class(place: Place) -> Answer:
    """`raise C` makes an instance by calling `C()` if `C` is a class, as `raise C()` does.

    It is a class if it is a builtin exception, or the file defines it as one and nothing else.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Call) or old.args or old.keywords or not same(old.func, new):
        return None
    if not isinstance(place.parent, ast.Raise):
        return None
    origin = place.code.origin(old.func)
    if origin.startswith("builtins.") and origin.endswith(("Error", "Exception", "Exit", "rupt")):
        return HOLDS
    defined = [e.name for e in place.code.tree.body if isinstance(e, ast.ClassDef)]
    if isinstance(old.func, ast.Name) and old.func.id in defined:
        if place.code.bindings[old.func.id] == 1 and not _decorated(place, old.func.id):
            return HOLDS
    return f"{place.at(old.func)} may be a function that makes an exception"


def _decorated(place: Place, name: str) -> bool:
    """Return whether the class `name` at the top level of the file has a decorator."""
    return any(
        isinstance(each, ast.ClassDef) and each.name == name and each.decorator_list
        for each in place.code.tree.body
    )
