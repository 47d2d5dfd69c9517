"""Conditions on edits that import the same in another place, in another way, or for types only.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Sequence

from shared.behaviour.annotations import reason_read, same_but_quoted
from shared.behaviour.changed_imports import TESTS, reason_against
from shared.behaviour.code import bound_names
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.import_names import Alias, aliases_of, dropped, named_in_text
from shared.behaviour.loading import Site
from shared.behaviour.place import Place
from shared.behaviour.quiet_modules import is_quiet_decorator
from shared.detectors.imports.cutting import FileUses
from shared.detectors.imports.uses import UseTime, binding_places, name_uses

IMPORTS = (ast.Import, ast.ImportFrom)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
TYPE_CHECKING = Alias("typing", 0, "TYPE_CHECKING", "TYPE_CHECKING")
UNKNOWN = "what importing the files of the repository does is not known"


@condition("the module defines what a package around the file passes on, and has bound it by then")
def direct_import(place: Place) -> Answer:
    """A package around a file is loaded before the file is.

    So where the file takes a name from it without failing, the package has bound that name, which
    means that the module it was taken from has been loaded and has it as well. Taking it from there
    loads nothing anew. It is the same object if the module defines it once, the package takes it
    from there once, and nothing in the repository replaces it in either.
    """
    nodes = [*place.before, *place.after]
    if not nodes or not all(isinstance(each, ast.ImportFrom) for each in nodes):
        return None
    old, new = [*aliases_of(*place.before)], [*aliases_of(*place.after)]
    gone, come = [e for e in old if e not in new], [e for e in new if e not in old]
    names = sorted(each.bound for each in gone)
    if not gone or names != sorted(each.bound for each in come):
        return None
    if len(set(names)) != len(names) or len({e.bound for e in new}) != len(new):
        return "a name is bound twice"
    if not isinstance(place.parent, ast.Module):
        return "the statement is not at the top level"
    loading = place.taken.loading
    if loading is None:
        return UNKNOWN
    by_name = {each.bound: each for each in come}
    for each in gone:
        edge = loading.edge(place.code.path, _site(each))
        if edge is None:
            return f"`{each.bound}` is not taken from a file of the repository"
        if why := loading.differs(edge, _site(by_name[each.bound])):
            return why
    return HOLDS


@condition(
    "only annotations that nothing reads need the name, and loading its module is not missed"
)
def type_only_import(place: Place) -> Answer:
    """A name that only annotations use is not needed while the program runs, if nobody reads them.

    They are not evaluated where the file asks for that, where they are texts, and within functions.
    What could read them later is a decorator or base class, of which only those of the standard
    library that do not are allowed, or code that asks for type hints: nothing in the repository
    may do so, nor use a package that does. The name is not missed if nothing takes it from the
    file. The module is not missed if what it loads only defines things and is in no import cycle.
    """
    if _is_quoting(place):
        return _quoted(place)
    if not isinstance(place.parent, ast.Module):
        return None
    nodes = [*place.before, *place.after]
    if not nodes or not all(isinstance(e, IMPORTS) or _is_type_block(e) for e in nodes):
        return None
    moved = _moved_to_types(place)
    if not moved:
        return None
    new = [e for e in aliases_of(*_plain(place.after)) if e != TYPE_CHECKING]
    old = [e for e in aliases_of(*_plain(place.before)) if e != TYPE_CHECKING]
    if [each for each in old if each not in moved] != new:
        return "another import is added, dropped or moved"
    if any(map(_is_type_block, nodes)) and not _is_typings(place):
        return "`TYPE_CHECKING` may be something else than that of `typing`"
    if TYPE_CHECKING in aliases_of(*_plain(place.after)) and not _has(place, TYPE_CHECKING):
        if why := reason_against(TYPE_CHECKING, place):
            return why
    return next((why for each in moved if (why := _reason_typing(place, each))), HOLDS)


@condition("only calls need the name, it always means one object, and loading its module can wait")
def deferred_import(place: Place) -> Answer:
    """An import at the beginning of each function that uses a name gives it the same object.

    That holds if the module defines the name once and nothing in the repository replaces it. The
    name is not missed in the file itself if nothing takes it from there. The module can be loaded
    later if what it loads only defines things and is in no import cycle.
    """
    nodes = [*place.before, *place.after]
    if not nodes or not all(isinstance(each, IMPORTS) for each in nodes):
        return None
    moved = _moved_to_calls(place)
    if not moved:
        return None
    if isinstance(place.parent, FUNCTIONS):
        return _at_beginning(place, moved)
    if not isinstance(place.parent, ast.Module):
        return "it is not imported at the top level"
    gone = dropped(place.before, place.after)
    if gone is None or any(each not in moved for each in (*gone, *_added(place))):
        return "another import is added, dropped or moved"
    return next((why for each in gone if (why := _reason_deferred(place, each))), HOLDS)


def _is_quoting(place: Place) -> bool:
    """Return whether the edit is one of a function or of an annotated assignment."""
    kinds = (*FUNCTIONS, ast.AnnAssign)
    return isinstance(place.old, kinds) and isinstance(place.new, kinds)


def _quoted(place: Place) -> Answer:
    """Return whether an edit only writes annotations with moved names as texts."""
    assert place.old is not None
    assert place.new is not None
    moved = {each.bound for each in _moved_to_types(place)}
    return HOLDS if moved and same_but_quoted(place.old, place.new, moved) else None


def _reason_typing(place: Place, alias: Alias) -> str:
    """Return why a name is needed while the program runs; empty if it is not."""
    uses = FileUses(binding_places(place.code.tree), name_uses(place.code.tree))
    if not uses.is_type_only(alias.bound):
        return f"`{alias.bound}` is not only used in annotations"
    now = name_uses(place.new_code.tree).get(alias.bound, ())
    if any(each.when is not UseTime.NEVER for each in now):
        return f"an annotation evaluates `{alias.bound}`"
    loading = place.taken.loading
    if loading is None:
        return UNKNOWN
    if why := reason_read(uses.uses[alias.bound], place.code, loading):
        return why
    return _reason_missed(place, alias)


def _reason_deferred(place: Place, alias: Alias) -> str:
    """Return why importing a name in calls may be noticed; empty if it cannot be."""
    uses = FileUses(binding_places(place.code.tree), name_uses(place.code.tree))
    functions = uses.calling_functions(alias.bound)
    if not functions:
        return f"`{alias.bound}` is not only used in calls"
    for each in functions:
        assert isinstance(each, FUNCTIONS)
        if not all(is_quiet_decorator(e, place.code) for e in each.decorator_list):
            return f"a decorator of `{each.name}` may look at what it does"
    now = name_uses(place.new_code.tree).get(alias.bound, ())
    importing = [e for e in ast.walk(place.new_code.tree) if alias in _imported_first(e)]
    if any(each.function not in importing for each in now if each.when is not UseTime.NEVER):
        return f"a function that uses `{alias.bound}` does not import it first"
    if [*bound_names(place.new_code.tree)].count(alias.bound) != len(importing):
        return f"`{alias.bound}` is bound in another way as well"
    loading = place.taken.loading
    edge = None if loading is None else loading.edge(place.code.path, _site(alias))
    if loading is None or edge is None:
        return UNKNOWN
    return loading.rebound(edge) or _reason_missed(place, alias)


def _reason_missed(place: Place, alias: Alias) -> str:
    """Return why it may be noticed that a file does not import a name when it is loaded."""
    path, name = place.code.path, alias.bound
    if TESTS.search(path):
        return f"`{name}` may be a test or fixture, which is found by its name"
    if place.code.reads_any_name:
        return "something in the file reads names that it does not spell"
    if place.code.bindings[name] != 1:
        return f"`{name}` is bound in another way as well"
    if taken := place.taken.published(path, name) or place.taken.taken(path, name):
        return f"`{name}` may be taken from this module: {taken}"
    if _in_plain_text(place, name):
        return f"`{name}` is in a text of the file"
    loading = place.taken.loading
    edge = None if loading is None else loading.edge(path, _site(alias))
    return UNKNOWN if loading is None or edge is None else loading.noticed(edge)


def _in_plain_text(place: Place, name: str) -> bool:
    """Return whether a text that is no annotation has a name as a word, as `__all__` may."""
    if not named_in_text(place.code, name):
        return False
    uses = name_uses(place.code.tree).get(name, ())
    return any(each.when is UseTime.TEXT for each in uses)


def _at_beginning(place: Place, moved: Sequence[Alias]) -> Answer:
    """Return whether an edit only adds moved imports at the beginning of a function."""
    function = place.around[-1][1]
    first = _imported_first(function)
    added = [*aliases_of(*place.after)]
    if place.before or any(each not in moved or each not in first for each in added):
        return "another import is added or dropped in a function"
    return HOLDS


def _imported_first(node: ast.AST) -> list[Alias]:
    """Return what a function imports before it does anything else; nothing for another node."""
    if not isinstance(node, FUNCTIONS):
        return []
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    count = next((n for n, e in enumerate(body) if not isinstance(e, IMPORTS)), len(body))
    return [*aliases_of(*body[:count])]


def _moved_to_calls(place: Place) -> list[Alias]:
    """Return what the old file imports at its top level, and the new one in functions instead."""
    inside = {a for e in ast.walk(place.new_code.tree) for a in _imported_first(e)}
    return [each for each in _gone(place) if each in inside]


def _moved_to_types(place: Place) -> list[Alias]:
    """Return what the old file imports at its top level, and the new one for type checkers only.

    Returns nothing if anything else comes to or goes from what is imported for type checkers.
    """
    old, new = _type_imports(place.code.tree), _type_imports(place.new_code.tree)
    moved = _gone(place)
    added = Counter(new)
    added.subtract(Counter(old))
    is_all = +added == Counter(moved) and not -added
    return moved if is_all and [each for each in new if each in old] == old else []


def _gone(place: Place) -> list[Alias]:
    """Return what the old file imports at its top level, and the new one does not import there."""
    new = [*aliases_of(*_plain(place.new_code.tree.body))]
    return [e for e in aliases_of(*_plain(place.code.tree.body)) if e not in new]


def _added(place: Place) -> list[Alias]:
    """Return what the edited statements import that they did not import before."""
    old = [*aliases_of(*place.before)]
    return [each for each in aliases_of(*place.after) if each not in old]


def _has(place: Place, alias: Alias) -> bool:
    """Return whether the old file imports a name at its top level."""
    return alias in aliases_of(*_plain(place.code.tree.body))


def _plain(nodes: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Yield the import statements among some nodes."""
    yield from (each for each in nodes if isinstance(each, IMPORTS))


def _type_imports(tree: ast.Module) -> list[Alias]:
    """Return what a file imports for type checkers only."""
    blocks = [each for each in tree.body if _is_type_block(each)]
    return [alias for each in blocks for alias in aliases_of(*each.body)]  # type: ignore[attr-defined]


def _is_type_block(node: ast.AST) -> bool:
    """Return whether a statement is `if TYPE_CHECKING` over imports and nothing else."""
    if not isinstance(node, ast.If) or node.orelse:
        return False
    name = node.test.attr if isinstance(node.test, ast.Attribute) else getattr(node.test, "id", "")
    return name == "TYPE_CHECKING" and all(isinstance(each, IMPORTS) for each in node.body)


def _is_typings(place: Place) -> bool:
    """Return whether the blocks for type checkers ask for the constant of `typing`."""
    blocks = [each for each in place.new_code.tree.body if _is_type_block(each)]
    tests = [each.test for each in blocks]  # type: ignore[attr-defined]
    return all(place.new_code.origin(each) == "typing.TYPE_CHECKING" for each in tests)


def _site(alias: Alias) -> Site:
    """Return an import as it is known in the import graph."""
    return alias.module, alias.level, alias.name, alias.bound
