"""Edits of how parts of the standard library are called and named.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast
from collections.abc import Mapping

from shared.behaviour.classes import is_exception, is_known_class
from shared.behaviour.code import COMPREHENSIONS, bound_names, same
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.conditions.spelling import not_builtin, same_items
from shared.behaviour.open_mode import mode_of, rest_of
from shared.behaviour.place import Place
from shared.behaviour.subprocess_calls import POPEN, keywords_of

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


def canonical(origin: str, place: Place) -> str:
    """Return the name that an alias stands for on every supported Python; any other as it is."""
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
    if not isinstance(old.ctx, ast.Load):
        return None
    origins = place.code.origin(old), place.new_code.origin(new)
    if not all(origins):
        unknown = old if not origins[0] else new
        return f"what {place.at(unknown)} is cannot be told from the imports"
    one, other = (canonical(each, place) for each in origins)
    if one == other and origins[0] != origins[1]:
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
        is_zero = isinstance(old.args[0], ast.Constant) and repr(old.args[0].value) == "0"
        plain = not isinstance(old.args[1], ast.Starred) and not old.keywords and not new.keywords
        fits = is_zero and plain and same_items(old.args[1:], new.args)
        return not_builtin(place, old.func) if fits else None
    if old.func.id == "open" and (mode := mode_of(old)) is not None:
        equal = mode == mode_of(new) and rest_of(old) == rest_of(new)
        return not_builtin(place, old.func) if equal else None
    return None


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
    origin, after = place.code.origin(old.func), place.new_code.origin(new)
    if not after.startswith("functools."):
        unknown = not after and "cache" in ast.unparse(new)
        return f"what {place.at(new)} is cannot be told from the imports" if unknown else None
    if origin != "functools.lru_cache":
        return f"what {place.at(old.func)} is cannot be told from the imports"
    if not isinstance(unbounded, ast.Constant | None) or getattr(unbounded, "value", None):
        return None
    if after != (origin if unbounded is None else "functools.cache"):
        return None
    return _decorator_reason(place, (3, 8) if unbounded is None else (3, 9))


def _decorator_reason(place: Place, version: tuple[int, int]) -> Answer:
    """Return why a decorator without its call may be another one; `HOLDS` if it cannot be."""
    function = place.parent
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return "it does not decorate a function"
    if place.old is not function.decorator_list[-1]:
        return "it does not decorate the function itself, but what another decorator gives"
    if not place.supports(version):
        return f"the target does not say that it needs Python 3.{version[1]} or newer"
    return HOLDS


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
    one, other = keywords_of(old, place.code), keywords_of(new, place.new_code)
    if one is None or one != other:
        return None
    if place.code.origin(old.func) in POPEN:
        return HOLDS
    return f"what {place.at(old.func)} is cannot be told from the imports"


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
    if old.keywords or len(old.bases) > 1 or new.bases or getattr(old, "type_params", None):
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
    if any(isinstance(each, COMPREHENSIONS) for each in place.parents):
        return "a comprehension has another first argument"
    return _super_reason(place, owner, function, old)


def _super_reason(
    place: Place, owner: ast.ClassDef, function: ast.FunctionDef, call: ast.Call
) -> Answer:
    """Return why `super(C, self)` may differ from `super()` in a method; `HOLDS` if it cannot."""
    first = [*function.args.posonlyargs, *function.args.args][:1]
    names = [each.id if isinstance(each, ast.Name) else "" for each in call.args]
    if not first or names != [owner.name, first[0].arg] or function not in owner.body:
        return "its arguments are not the class around it and the first argument of the method"
    if place.code.bindings[owner.name] != 1 or place.code.binds_any_name:
        return f"`{owner.name}` is bound more than once"
    if owner.name.startswith("__") or place.code.bindings["__class__"]:
        return f"`{owner.name}` is mangled inside itself, or `__class__` is something else"
    if list(bound_names(function)).count(names[1]) != 1:
        return f"`{names[1]}` is bound more than once in the method"
    if owner.decorator_list or owner.keywords:
        return f"`{owner.name}` may be replaced by its decorator or metaclass"
    for base in owner.bases:
        if not is_known_class(base, place.code):
            return f"the base {place.at(base)} may have a metaclass that replaces the class"
    return not_builtin(place, call.func)


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
    if is_exception(old.func, place.code):
        return HOLDS
    return f"{place.at(old.func)} may be a function that makes an exception"
