"""Edits of return annotations.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast
import copy
import re

from shared.behaviour.code import same
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.place import Place
from shared.behaviour.returned import DEFINITIONS, evident_return

# What asks for type hints, and packages that do so for functions given to them.
READERS = frozenset(
    [
        *("get_type_hints", "get_annotations", "__annotations__", "return_annotation"),
        *("attrs", "beartype", "cattr", "cattrs", "dacite", "dependency_injector", "dishka"),
        *("fast_depends", "fastapi", "faststream", "fire", "hypothesis", "injector"),
        *("jsonargparse", "lagom", "litestar", "mashumaro", "msgspec", "ninja", "punq"),
        *("pydantic", "serde", "simple_parsing", "sqlmodel", "strawberry", "svcs"),
        *("typeguard", "typer", "tyro", "wireup", "singledispatch", "signature"),
    ]
)
WORD = re.compile(r"\w+")


@condition("the annotation says what the function evidently returns, and nothing reads annotations")
def evident_annotation(place: Place) -> Answer:
    """A return annotation is only stored; it changes nothing unless something asks for it.

    The function has no decorators but Python's own, and no file of the repository names anything
    that is known to read annotations. The annotation is `None` or a builtin type, whose name means
    Python's own, so that evaluating it has no effect.
    """
    old, new = place.old, place.new
    if not isinstance(old, DEFINITIONS) or type(old) is not type(new):
        return None
    assert isinstance(new, DEFINITIONS)
    if old.returns is not None or new.returns is None:
        return None
    bare = copy.copy(new)
    bare.returns = None
    if not same(old, bare):
        return None
    annotation = ast.unparse(new.returns)
    if evident_return(old, place.parent, place.code) != annotation:
        return f"that `{old.name}` returns `{annotation}` is not evident"
    if annotation != "None" and not place.is_builtin(annotation):
        return f"`{annotation}` is not Python's own"
    if read := READERS.intersection(WORD.findall(place.new_code.text)):
        return f"the file may read annotations by `{min(read)}`"
    return place.taken.with_word(READERS) or HOLDS
