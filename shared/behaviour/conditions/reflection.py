"""Edits that could be noticed by who looks names up, or relies on what an import does."""

import ast
from collections.abc import Iterator

from shared.behaviour.code import bound_names, imported_names, same, uses
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.import_effects import is_plain_standard_module, is_standard_submodule
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
Alias = tuple[str, int, str, str]


@condition("only modules of the standard library are imported anew, under names that are free")
def added_import(place: Place) -> Answer:
    """Importing such a module has no effect, and a name that nothing binds changes for nobody."""
    if not place.after or not all(
        isinstance(each, ast.Import | ast.ImportFrom) for each in place.after
    ):
        return None
    if not all(isinstance(each, ast.Import | ast.ImportFrom) for each in place.before):
        return None
    old = {each for node in place.before for each in _aliases(node)}
    new = {each for node in place.after for each in _aliases(node)}
    if not new - old or old - new:
        return None
    for module, level, name, bound in new - old:
        if level or not is_plain_standard_module(module) or is_standard_submodule(module, name):
            return f"importing `{'.' * level}{module}` may do something"
        if place.code.bindings[bound] or uses(place.code.tree, bound):
            return f"`{bound}` means something else in the file"
    return HOLDS


def _aliases(node: ast.AST) -> Iterator[Alias]:
    """Yield (module, level, name, bound name) of an import; no name where a module is imported."""
    if isinstance(node, ast.Import):
        for each in node.names:
            yield each.name, 0, "", each.asname or each.name.partition(".")[0]
    elif isinstance(node, ast.ImportFrom):
        for each in node.names:
            yield node.module or "", node.level, each.name, each.asname or each.name


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
    left = [each for node in place.after for each in _aliases(node)]
    gone = [e for node in place.before for e in _aliases(node) if e not in left]
    if not gone or len(left) > sum(len([*_aliases(node)]) for node in place.before):
        return None
    if set(left) - {each for node in place.before for each in _aliases(node)}:
        return None
    if place.code.reads_any_name:
        return NO_NAMES
    for each in gone:
        if reason := _missed_name(each, place) or _missed_module(each, place, left):
            return reason
    return HOLDS


def _missed_name(alias: Alias, place: Place) -> str:
    """Return why something may miss the name of a dropped import; empty if nothing does."""
    module, _, name, bound = alias
    if name == "*":
        return f"what `{module}` exports is not known"
    if uses(place.code.tree, bound):
        return f"`{bound}` is read in the file"
    path = place.code.path
    public = place.taken.published(path, bound) or place.taken.taken(path, bound)
    return f"`{bound}` may be taken from this module: {public}" if public else ""


def _missed_module(alias: Alias, place: Place, left: list[Alias]) -> str:
    """Return why something may miss that a dropped import ran a module; empty if nothing does.

    `left` are the imports that remain of the edited statements.
    """
    module, level, name, _ = alias
    standard = not level and is_plain_standard_module(module)
    if standard and not is_standard_submodule(module, name):
        return ""
    still = [
        *left,
        *(e for node in place.code.tree.body if node not in place.before for e in _aliases(node)),
    ]
    imported = any(each[:2] == (module, level) and (each[2] or not name) for each in still)
    path = place.code.path
    if imported and (not name or place.taken.defines(module, level, path, name)):
        return ""
    full = (
        f"{module}.{name}"
        if name and not place.taken.defines(module, level, path, name)
        else module
    )
    for each in dict.fromkeys((module, full)):
        if each and (why := place.taken.import_effect(each, level, path)):
            return why
    return ""


@condition("every name taken off is one that Python 3 binds anyway, and nothing takes it from here")
def builtin_import(place: Place) -> Answer:
    """`from builtins import str` binds a builtin to the name that it has anyway.

    `from __future__ import division` asks for what Python 3.7 does in any case. The name goes from
    the module; it must not be taken from it by others, and the target must not support Python 2.
    """
    gone = [e for node in place.before for e in _aliases(node)]
    left = [e for node in place.after for e in _aliases(node)]
    gone = [each for each in gone if each not in left]
    if not gone or not all(_is_given_anyway(each) for each in gone):
        return None
    if not all(isinstance(each, ast.ImportFrom) for each in (*place.before, *place.after)):
        return None
    if not place.supports((3, 7)):
        return "the target does not say that it needs Python 3.7 or newer"
    for module, _, name, bound in gone:
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
    module, level, name, bound = alias
    if level or name != bound:
        return False
    if module == "io":
        return name == "open"
    return module == "builtins" or (module == "__future__" and name in OLD_FEATURES)


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
    function = place.function
    if function is None:
        return f"`{old.id}` is no name of a function"
    if any(isinstance(each.ctx, ast.Load) for each in uses(function, old.id)):
        return f"`{old.id}` is read in the function"
    if uses(place.code.tree, new.id) or place.code.bindings[new.id]:
        if any(isinstance(each.ctx, ast.Load) for each in uses(function, new.id)):
            return f"`{new.id}` is read in the function"
    if _is_declared(function, old.id) or _is_declared(function, new.id):
        return f"`{old.id}` is declared global or nonlocal"
    return NO_NAMES if place.code.reads_any_name else HOLDS


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
    body = new.body[0] if len(new.body) == 1 else None
    if new.name != target.id or new.decorator_list or new.returns is not None:
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
    if sorted(_aliases(old)) != sorted(_aliases(new)):
        return None
    for name, _ in imported_names(old):
        path = place.code.path
        if public := place.taken.published(path, name) or place.taken.taken(path, name):
            return f"`{name}` may be taken from this module: {public}"
    return HOLDS
