"""Why a program may notice that an import was added or dropped."""

import ast
import re

from shared.behaviour.code import BUILTINS, uses
from shared.behaviour.import_effects import (
    is_plain_standard_module,
    is_standard_submodule,
    standard_module_has,
)
from shared.behaviour.import_names import Alias, aliases_of, named_in_text
from shared.behaviour.place import Place

# Files of which test runners take all names, as fixtures or tests.
TESTS = re.compile(r"(^|/)(conftest|tests?|test_[^/]*|[^/]*_tests?)\.py$")
# Names that a fix may import, with the oldest Python that has them.
IMPORTABLE = {
    "collections.deque": (3, 7),
    "contextlib.nullcontext": (3, 7),
    "contextlib.suppress": (3, 7),
    "functools.cache": (3, 9),
    "functools.lru_cache": (3, 7),
    "functools.partial": (3, 7),
    "itertools.chain": (3, 7),
    "itertools.pairwise": (3, 10),
    "itertools.starmap": (3, 7),
    "operator.itemgetter": (3, 7),
    "pathlib.Path": (3, 7),
    "typing.TYPE_CHECKING": (3, 7),
}


def reason_against(alias: Alias, place: Place) -> str:
    """Return why importing a name anew may be noticed; empty if it cannot be."""
    module, level, name, bound, _ = alias
    full = f"{module}.{name}"
    since = IMPORTABLE.get(full) if name else (3, 7)
    if level or not is_plain_standard_module(module):
        return f"importing `{'.' * level}{module}` may do something"
    if since is None or not (since <= (3, 7) or place.supports(since)):
        return f"`{full}` may be missing on the oldest Python that the target supports"
    if bound in BUILTINS or place.code.bindings[bound] or uses(place.code.tree, bound):
        return f"`{bound}` means something else in the file"
    if named_in_text(place.code, bound):
        return f"`{bound}` is in a text of the file"
    taken = place.taken.taken(place.code.path, bound)
    return f"`{bound}` may be taken from this module: {taken}" if taken else ""


def missed_name(alias: Alias, place: Place) -> str:
    """Return why something may miss the name of a dropped import; empty if nothing does."""
    if alias.name == "*":
        return f"what `{alias.module}` exports is not known"
    if alias.module == "__future__":
        return f"`{alias.name}` changes what the file means"
    bound = alias.bound
    # What only the old file reads, the same change takes out, which is judged by itself.
    if uses(place.new_code.tree, bound):
        return f"`{bound}` is read in the file"
    if named_in_text(place.new_code, bound):
        return f"`{bound}` is in a text of the file"
    path = place.code.path
    parameters = {node.arg for node in ast.walk(place.code.tree) if isinstance(node, ast.arg)}
    found_by_name = bound in parameters or TESTS.search(path)
    if found_by_name and not is_plain_standard_module(alias.module):
        return f"`{bound}` may be a test or fixture, which is found by its name"
    public = place.taken.published(path, bound) or place.taken.taken(path, bound)
    return f"`{bound}` may be taken from this module: {public}" if public else ""


def missed_module(alias: Alias, place: Place) -> str:
    """Return why something may miss that a dropped import ran a module; empty if nothing does."""
    module, level, name, _, _ = alias
    path = place.code.path
    if not level and is_plain_standard_module(module) and not is_standard_submodule(module, name):
        missing = name and not standard_module_has(module, name)
        return f"`{module}` has no `{name}`, so that the import fails" if missing else ""
    defined = bool(name) and place.taken.defines(module, level, path, name)
    still = _imported_still(place)
    if any((e.module, e.level) == (module, level) and (e.name or not name) for e in still):
        if not name or defined:
            return ""
    for each in dict.fromkeys((module, module if defined or not name else f"{module}.{name}")):
        if each and (why := place.taken.import_effect(each, level, path)):
            return why
    return ""


def _imported_still(place: Place) -> list[Alias]:
    """Return what is imported by the edited statements, or was before them at the top level.

    It must be imported by the new file as well.
    """
    line = getattr(place.before[0], "lineno", 0)
    earlier = [each for each in place.code.tree.body if (each.end_lineno or 0) < line]
    kept = [*aliases_of(*place.new_code.tree.body)]
    return [*aliases_of(*place.after), *(each for each in aliases_of(*earlier) if each in kept)]
