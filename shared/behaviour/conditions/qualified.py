"""Conditions on edits that name what a module defines, in place of an attribute of a package.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast
from collections.abc import Sequence

from shared.behaviour.changed_imports import TESTS
from shared.behaviour.code import uses
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.import_names import Alias, aliases_of, named_in_text
from shared.behaviour.place import Place

IMPORTS = (ast.Import, ast.ImportFrom)


@condition(
    "the name is what the package around the file passes on, and has bound before it loads the file"
)
def defining_module(place: Place) -> Answer:
    """An attribute that a package around a file passes on is what the defining module defines.

    Where the package imports that module before anything that may lead to the file, the module is
    loaded by the time that the file is, so that importing from it loads nothing anew. The object is
    the same whenever the attribute is read if the module defines it once, the package takes it from
    there once, and nothing in the repository replaces it in either. The name means nothing else in
    the file, nothing takes it or the package from the file, and no text of the file has either.
    """
    old, new = _imported(place.code.tree.body), _imported(place.new_code.tree.body)
    gone, come = [e for e in old if e not in new], {e.bound: e for e in new if e not in old}
    if _is_statement(place):
        left, right = [*aliases_of(*place.before)], [*aliases_of(*place.after)]
        if len(left) != 1 or left[0] not in gone or not set(right) <= set(come.values()):
            return None
        if left[0].is_top or not right:
            return None
        return next((why for e in right if (why := _reason(place, left[0], e))), HOLDS)
    read, name = place.old, place.new
    if not isinstance(read, ast.Attribute) or not isinstance(name, ast.Name):
        return None
    if not isinstance(read.value, ast.Name) or read.attr != name.id or name.id not in come:
        return None
    packages = [e for e in gone if e.bound == read.value.id and not e.is_top]
    return _reason(place, packages[0], come[name.id]) if len(packages) == 1 else None


def _is_statement(place: Place) -> bool:
    """Return whether the edit is one of import statements at the top level."""
    nodes = [*place.before, *place.after]
    return (
        bool(place.before)
        and all(isinstance(each, IMPORTS) for each in nodes)
        and isinstance(place.parent, ast.Module)
    )


def _imported(nodes: Sequence[ast.AST]) -> list[Alias]:
    """Return what the import statements among some nodes bind."""
    return [*aliases_of(*(each for each in nodes if isinstance(each, IMPORTS)))]


def _reason(place: Place, package: Alias, name: Alias) -> str:
    """Return why a name may be something else than the attribute of a package; empty if not."""
    code, new, path = place.code, place.new_code, place.code.path
    if TESTS.search(path):
        return f"`{package.bound}` may be a test or fixture, which is found by its name"
    if code.reads_any_name or code.has_star_import:
        return "something in the file reads names that it does not spell"
    if code.bindings[package.bound] != 1 or uses(new.tree, package.bound):
        return f"`{package.bound}` is used for something else as well"
    if code.bindings[name.bound] or uses(code.tree, name.bound) or new.bindings[name.bound] != 1:
        return f"`{name.bound}` means something else in the file"
    for each in (package.bound, name.bound):
        if named_in_text(code, each):
            return f"`{each}` is in a text of the file"
        if taken := place.taken.published(path, each) or place.taken.taken(path, each):
            return f"`{each}` may be taken from this module: {taken}"
    loading = place.taken.loading
    edge = loading and loading.edge(
        path, (package.module, package.level, package.name, package.bound)
    )
    if loading is None or not edge:
        return "what importing the files of the repository does is not known"
    site = (name.module, name.level, name.name, name.bound)
    return loading.attribute_differs(edge, name.bound, site)
