"""Edits that remove one of two things that are alike, where the second may have counted.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast

from shared.behaviour.classes import is_known_class
from shared.behaviour.code import bound_names, same
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.effects import is_simple
from shared.behaviour.import_effects import is_plain_standard_module, is_standard_submodule
from shared.behaviour.place import Place

# Module, name in it, and the name that it is bound to.
Imported = tuple[str, str, str]


@condition("the values are equal constants")
def repeated_field(place: Place) -> Answer:
    """Of two assignments to one name in a class the second counts.

    Removing the second changes nothing where both assign the same constant, only fields with plain
    values stand between them, and no metaclass or unknown base looks at what is assigned.
    """
    removed = place.old if not place.after else None
    owner = place.parent
    if not isinstance(removed, ast.Assign | ast.AnnAssign) or not isinstance(owner, ast.ClassDef):
        return None
    targets = removed.targets if isinstance(removed, ast.Assign) else [removed.target]
    if len(targets) != 1 or not isinstance(targets[0], ast.Name):
        return None
    name, at = targets[0].id, owner.body.index(removed)
    alike = [n for n, each in enumerate(owner.body) if name in bound_names(each)]
    if len(alike) < 2:
        return None
    if isinstance(removed, ast.AnnAssign):
        return "an annotation goes with it"
    if any(not same(_constant(owner.body[n]), removed.value) for n in alike):
        return f"`{name}` is given several values, and the last one counts"
    if alike[0] == at:
        return f"`{name}` is a field before those in between"
    if not all(map(_is_plain_field, owner.body[alike[0] : at])):
        return "more than fields with plain values stand between the two"
    if owner.keywords or not all(is_known_class(each, place.code) for each in owner.bases):
        return "a metaclass or another base may look at what is assigned"
    return HOLDS


def _constant(node: ast.stmt) -> ast.expr | None:
    """Return the constant that a statement assigns to one or more names alone; else None."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Constant):
        return None
    return node.value if all(isinstance(each, ast.Name) for each in node.targets) else None


def _is_plain_field(node: ast.stmt) -> bool:
    """Return whether a statement in a class only assigns values that are read, or is a text."""
    if isinstance(node, ast.Assign):
        return is_simple(node.value) and all(isinstance(each, ast.Name) for each in node.targets)
    if isinstance(node, ast.AnnAssign):
        plain = isinstance(node.target, ast.Name) and is_simple(node.annotation)
        return plain and (node.value is None or is_simple(node.value))
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


@condition("both import statements bind the name to the same module of the standard library")
def repeated_import(place: Place) -> Answer:
    """A module of the standard library that was imported before is looked up again, nothing else.

    Both stand at the top level, where only imports of such modules, definitions and assignments of
    constants come between, so the name still has the value that the second import gives it.
    """
    if not isinstance(place.parent, ast.Module) or len(place.before) != 1:
        return None
    removed, kept = place.before[0], place.new
    if not isinstance(removed, ast.Import | ast.ImportFrom):
        return None
    if place.after and type(kept) is not type(removed):
        return None
    names, left = _names(removed), _names(kept) if kept is not None else []
    if len(place.after) > 1 or (kept is not None and not left):
        return None
    gone = [each for each in names if each not in left]
    if not gone or [each for each in names if each not in gone] != left:
        return None
    body = place.parent.body
    at = body.index(removed)
    earlier = next((n for n in range(at) if set(gone) <= set(_names(body[n]))), None)
    if earlier is None:
        return None
    for each in gone:
        if not is_plain_standard_module(each[0]):
            return f"importing `{each[0]}` again may do or find something else"
    return _reason_between(place, gone, [removed, body[earlier]], body[earlier + 1 : at])


def _reason_between(
    place: Place, gone: list[Imported], imports: list[ast.stmt], between: list[ast.stmt]
) -> str:
    """Return what may bind the dropped names between two imports; empty if nothing can."""
    bound = {name for _, _, name in gone}
    for node in imports:
        if any([name for _, _, name in _names(node)].count(each) != 1 for each in bound):
            return f"{place.at(node)} binds a name twice"
        if not _is_quiet(node, set()):
            return f"{place.at(node)} may bind other names"
    for node in between:
        if not _is_quiet(node, bound):
            return f"{place.at(node)} comes between the two imports"
    return HOLDS


def _names(node: ast.AST) -> list[Imported]:
    """Return (module, name, bound name) for each name that an import statement binds.

    The name is empty for `import module`. Returns none at all where a relative import or one of a
    submodule is among them.
    """
    if isinstance(node, ast.Import):
        if any("." in each.name and not each.asname for each in node.names):
            return []
        return [(each.name, "", each.asname or each.name) for each in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level and node.module:
        if any(is_standard_submodule(node.module, each.name) for each in node.names):
            return []
        return [(node.module, each.name, each.asname or each.name) for each in node.names]
    return []


def _is_quiet(node: ast.stmt, names: set[str]) -> bool:
    """Return whether a statement between two imports can change nothing about these names."""
    if not names.isdisjoint(bound_names(node)):
        return False
    if isinstance(node, ast.Import | ast.ImportFrom):
        found = _names(node)
        return bool(found) and all(
            is_plain_standard_module(module) and name != "*" for module, name, _ in found
        )
    if isinstance(node, ast.Assign):
        return is_simple(node.value) and all(isinstance(each, ast.Name) for each in node.targets)
    if isinstance(node, ast.FunctionDef):
        arguments = [each.annotation for each in ast.walk(node.args) if isinstance(each, ast.arg)]
        evaluated = [*node.args.defaults, *node.args.kw_defaults, *arguments, node.returns]
        plain = not node.decorator_list and not getattr(node, "type_params", None)
        return plain and all(each is None or is_simple(each) for each in evaluated)
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


@condition("the items are equal constants")
def repeated_item(place: Place) -> Answer:
    """A set keeps the first of equal items; the same constant again changes nothing."""
    old, new = place.old, place.new
    if not isinstance(old, ast.Set) or not isinstance(new, ast.Set):
        return None
    seen: dict[str, ast.expr] = {}
    for each in old.elts:
        if not isinstance(each, ast.Constant) and ast.dump(each) in seen:
            return f"{place.at(each)} may be another value each time"
        seen.setdefault(ast.dump(each), each)
    kept = list(seen.values())
    return HOLDS if len(kept) == len(new.elts) and all(map(same, kept, new.elts)) else None
