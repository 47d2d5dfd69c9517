"""Edits that remove one of two things that are alike, where the second may have counted."""

import ast

from shared.behaviour.code import same
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.effects import is_simple
from shared.behaviour.import_effects import is_plain_standard_module, is_standard_submodule
from shared.behaviour.place import Place


@condition("the values are equal constants")
def repeated_field(place: Place) -> Answer:
    """Of two assignments to one name in a class the second counts.

    Removing either changes nothing where both assign the same constant and only fields with plain
    values stand between them.
    """
    removed = place.old if not place.after else None
    if not isinstance(removed, ast.Assign | ast.AnnAssign) or not isinstance(
        place.parent, ast.ClassDef
    ):
        return None
    targets = removed.targets if isinstance(removed, ast.Assign) else [removed.target]
    if len(targets) != 1 or not isinstance(targets[0], ast.Name):
        return None
    name = targets[0].id
    alike = [each for each in place.parent.body if _assigns(each, name)]
    if len(alike) < 2:
        return None
    for each in alike:
        if not isinstance(each, ast.Assign) or not isinstance(each.value, ast.Constant):
            return f"`{name}` is given several values, and the last one counts"
        if not same(each.value, alike[0].value):  # type: ignore[attr-defined]
            return f"`{name}` is given several values, and the last one counts"
    return HOLDS if isinstance(removed, ast.Assign) else "an annotation goes with it"


def _assigns(node: ast.stmt, name: str) -> bool:
    """Return whether something in a statement assigns or deletes the variable `name`."""
    return any(
        isinstance(inner, ast.Name) and inner.id == name and not isinstance(inner.ctx, ast.Load)
        for inner in ast.walk(node)
    )


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
    names = _names(removed)
    left = _names(kept) if isinstance(kept, type(removed)) else set()
    gone = names - left
    if not gone or not left <= names or (place.after and not left):
        return None
    body = place.parent.body
    at = body.index(removed)
    earlier = next((n for n in range(at) if gone <= _names(body[n])), None)
    if earlier is None:
        return None
    for each in gone:
        if not is_plain_standard_module(each[0]):
            return f"importing `{each[0]}` again may do or find something else"
    for node in body[earlier:at]:
        if not _is_quiet(node, {name for _, _, name in gone}):
            return f"{place.at(node)} comes between the two imports"
    return HOLDS


Imported = tuple[str, str, str]


def _names(node: ast.AST) -> set[Imported]:
    """Return (module, name, bound name) for each name that an import statement binds.

    Submodules and relative imports are left out; the name is empty for `import module`.
    """
    if isinstance(node, ast.Import):
        return {
            (each.name, "", each.asname or each.name.partition(".")[0])
            for each in node.names
            if each.asname or "." not in each.name
        }
    if isinstance(node, ast.ImportFrom) and not node.level and node.module:
        return {
            (node.module, each.name, each.asname or each.name)
            for each in node.names
            if not is_standard_submodule(node.module, each.name)
        }
    return set()


def _is_quiet(node: ast.stmt, names: set[str]) -> bool:
    """Return whether a statement between two imports can change nothing about them."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return all(is_plain_standard_module(module) for module, _, _ in _names(node)) and bool(
            _names(node)
        )
    if isinstance(node, ast.Assign):
        bound = {each.id for each in node.targets if isinstance(each, ast.Name)}
        return is_simple(node.value) and bool(bound) and bound.isdisjoint(names)
    if isinstance(node, ast.FunctionDef):
        plain = not node.decorator_list and all(map(is_simple, node.args.defaults))
        return plain and node.name not in names
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
