"""Conditions on edits of imports and names that other code could notice while the program runs.

Such code takes a name from this module, reads the names of local variables or functions by `locals`
or `__name__`, or relies on what importing a module does besides binding a name.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast

from shared.behaviour.changed_imports import missed_module, missed_name, reason_against
from shared.behaviour.code import BUILTINS, bound_names, imported_names, same, uses
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.import_effects import is_standard_submodule
from shared.behaviour.import_names import (
    Alias,
    aliases_of,
    dropped,
    may_be_guarded,
    named_in_text,
)
from shared.behaviour.place import Place

# Features that every Python 3.7 has without being asked.
OLD_FEATURES = frozenset(
    {
        "nested_scopes",
        "generators",
        "division",
        "absolute_import",
        "with_statement",
        "print_function",
        "unicode_literals",
        "generator_stop",
    }
)
NO_NAMES = "something in the file reads names that it does not spell"
IN_CLASS = "it is an attribute of a class"


@condition("only modules of the standard library are imported anew, under names that are free")
def added_import(place: Place) -> Answer:
    """Importing such a module has no effect, and a name that nothing binds changes for nobody.

    It is imported at the top level, where nothing takes all names of the file. What is imported
    from the module is known to be in it on every Python that the target supports.
    """
    nodes = [*place.before, *place.after]
    if not place.after or not all(isinstance(each, ast.Import | ast.ImportFrom) for each in nodes):
        return None
    added = dropped(place.after, place.before)
    if not added:
        return None
    if not isinstance(place.parent, ast.Module):
        return "it is not imported at the top level"
    if place.code.reads_any_name:
        return NO_NAMES
    for each in added:
        if reason := reason_against(each, place):
            return reason
    return HOLDS


@condition(
    "nothing in the repository takes the name, it is not public, and importing has no effect"
)
def unused_import(place: Place) -> Answer:
    """An import binds a name and runs a module once.

    The name is not missed if the file does not read it, nothing else in the repository takes it
    (by an import, an attribute, a text, or an entry point), and the file does not publish it. The
    module is not missed if it is one of the standard library without effects, if the file still
    imports it, or if it belongs to the repository and only defines things, as do those that it
    imports. A submodule of the standard library counts as an effect: others may reach it by its
    package.
    """
    nodes = [*place.before, *place.after]
    if not all(isinstance(each, ast.Import | ast.ImportFrom | ast.Pass) for each in nodes):
        return None
    gone = dropped(place.before, place.after)
    if not gone:
        return None
    if isinstance(place.parent, ast.ClassDef):
        return IN_CLASS
    if may_be_guarded(place.parents):
        return "something may rely on that the import fails"
    if place.code.reads_any_name:
        return NO_NAMES
    for each in gone:
        if reason := missed_name(each, place) or missed_module(each, place):
            return reason
    return HOLDS


@condition("every name taken off is one that Python 3 binds anyway, and nothing takes it from here")
def builtin_import(place: Place) -> Answer:
    """`from builtins import str` binds a builtin to the name that it has anyway.

    `from __future__ import division` asks for what Python 3.7 does in any case. The name goes from
    the module; it must not be taken from it by others, and the target must not support Python 2.
    """
    gone = dropped(place.before, place.after)
    if not gone or not all(map(_is_given_anyway, gone)):
        return None
    if not all(isinstance(each, ast.ImportFrom) for each in (*place.before, *place.after)):
        return None
    if isinstance(place.parent, ast.ClassDef):
        return IN_CLASS
    if place.code.has_star_import:
        return "the name may come from `import *` as well"
    if not place.supports((3, 7)):
        return "the target does not say that it needs Python 3.7 or newer"
    for module, _, name, bound, _ in gone:
        if named_in_text(place.code, bound):
            return f"`{bound}` is in a text of the file"
        if module == "__future__" and uses(place.code.tree, bound):
            return f"`{bound}` is read in the file"
        if module != "__future__" and place.code.bindings[bound] > 1:
            return f"`{bound}` is bound again in the file"
        path = place.code.path
        public = place.taken.published(path, bound) or place.taken.taken(path, bound)
        if public:
            return f"`{name}` may be taken from this module: {public}"
    return NO_NAMES if place.code.reads_any_name else HOLDS


def _is_given_anyway(alias: Alias) -> bool:
    """Return whether an import gives a builtin, or a `__future__` feature that is always on."""
    if alias.level or alias.name != alias.bound:
        return False
    if alias.module == "__future__":
        return alias.name in OLD_FEATURES
    if alias.module == "io":
        return alias.name == "open"
    return alias.module == "builtins" and alias.name in BUILTINS


@condition("the module is a submodule, so that both forms bind the same module")
def submodule_import(place: Place) -> Answer:
    """`import a.b as b` imports `a.b` and binds it; `from a import b` does so unless `a` has a `b`.

    For packages of the standard library the documentation tells which are submodules.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Import) or not isinstance(new, ast.ImportFrom) or new.level:
        return None
    if len(old.names) != 1 or len(new.names) != 1:
        return None
    module, _, name = old.names[0].name.rpartition(".")
    if (module, name) != (new.module, new.names[0].name) or old.names[0].asname != name:
        return None
    if new.names[0].asname not in {None, name}:
        return None
    if may_be_guarded(place.parents):
        return "the exception for a missing submodule is another one"
    if is_standard_submodule(module, name) or f"{module}.{name}" in {"os.path", "collections.abc"}:
        return HOLDS
    return f"`{module}` may have a `{name}` that is not the submodule"


@condition("the name is a local one that is read nowhere, and nothing reads names unspelled")
def renamed_local(place: Place) -> Answer:
    """Nobody can tell the name of a local that is never read.

    It must be bound only here in the function, or only ever as such a name; the new name must be
    free; and nothing in the file may ask for names that it does not spell, as `locals()` does.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Name) or not isinstance(new, ast.Name) or old.id == new.id:
        return None
    if isinstance(old.ctx, ast.Load) or isinstance(new.ctx, ast.Load):
        return None
    function, new_function = place.function, place.new_function
    if function is None or new_function is None:
        return f"`{old.id}` is no name of a function"
    for each in ast.walk(function):
        target = each.target if isinstance(each, ast.AugAssign) else each
        if isinstance(target, ast.Name) and target.id == old.id:
            if target is not each or not isinstance(target.ctx, ast.Store):
                return f"`{old.id}` is read or deleted in the function"
    if _occurrences(function, new.id):
        return f"`{new.id}` means something else in the function"
    if _is_declared(function, old.id) or _is_declared(function, new.id):
        return f"`{old.id}` is declared global or nonlocal"
    if _occurrences(new_function, old.id):
        return f"`{old.id}` is still bound elsewhere in the function"
    if _occurrences(new_function, new.id) != _occurrences(function, old.id):
        return f"`{new.id}` is another name as well"
    odd = place.code.reads_any_name or old.id.startswith("__")
    return NO_NAMES if odd else HOLDS


def _occurrences(root: ast.AST, name: str) -> int:
    """Return how often a name is bound or read below `root`."""
    reads = [each for each in uses(root, name) if isinstance(each.ctx, ast.Load)]
    return len(reads) + [*bound_names(root)].count(name)


def _is_declared(function: ast.AST, name: str) -> bool:
    """Return whether something in the function declares a name global or nonlocal."""
    return any(
        isinstance(node, ast.Global | ast.Nonlocal) and name in node.names
        for node in ast.walk(function)
    )


@condition("the function is local and only ever called")
def local_function(place: Place) -> Answer:
    """`f = lambda x: y` and `def f(x): return y` make functions that differ in their names only.

    Nobody asks a local function for its name if it is only called: never passed on, returned, or
    stored.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Assign) or not isinstance(new, ast.FunctionDef):
        return None
    target = old.targets[0]
    if not isinstance(target, ast.Name) or not isinstance(old.value, ast.Lambda):
        return None
    yields = (ast.Yield, ast.YieldFrom)
    if len(old.targets) > 1 or any(isinstance(each, yields) for each in ast.walk(old.value)):
        return None
    body = new.body[0] if len(new.body) == 1 else None
    if new.name != target.id or new.decorator_list or new.returns is not None:
        return None
    if getattr(new, "type_params", None):
        return None
    if not isinstance(body, ast.Return) or not same(body.value, old.value.body):
        return None
    if not same(new.args, old.value.args):
        return None
    function = place.function
    if function is None:
        return f"`{target.id}` is public, and its name may be asked for"
    called = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    for each in uses(function, target.id):
        if isinstance(each.ctx, ast.Load) and each not in called:
            return f"`{target.id}` is passed on or kept, and may be asked for its name"
    if [*bound_names(function)].count(target.id) != 1:
        return f"`{target.id}` is bound more than once"
    return NO_NAMES if place.code.reads_any_name else HOLDS


@condition("nothing in the repository takes the name, and the file does not publish it")
def needless_alias(place: Place) -> Answer:
    """`import x as x` binds what `import x` binds; it also says that the name is there for others.

    That only counts where others take the name, or where types of the package are published.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Import | ast.ImportFrom) or type(old) is not type(new):
        return None
    if [*aliases_of(old)] != [*aliases_of(new)]:
        return None
    for name, _ in imported_names(old):
        path = place.code.path
        if public := place.taken.published(path, name) or place.taken.taken(path, name):
            return f"`{name}` may be taken from this module: {public}"
    return HOLDS
