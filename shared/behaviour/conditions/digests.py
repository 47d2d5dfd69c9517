"""Edits of calls that make digests.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast

from shared.behaviour.code import same
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.place import Place

DIGESTS = frozenset({"hashlib.md5", "hashlib.sha1", "hashlib.new"})
KEYWORD = "usedforsecurity"


@condition("the digest is hashlib's, and is only said not to be used for security")
def says_what_it_is_for(place: Place) -> Answer:
    """`usedforsecurity=False` changes no digest; it is documented from Python 3.9 on.

    Where Python is built to refuse weak algorithms, a call without it raises ValueError; with it
    the digest is made. Nothing else about the call differs, and the keyword comes last, so that
    all arguments are evaluated as before.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Call) or not isinstance(new, ast.Call):
        return None
    if not same(old.func, new.func) or len(new.keywords) != len(old.keywords) + 1:
        return None
    added = new.keywords[-1]
    if added.arg != KEYWORD or not same(added.value, ast.Constant(value=False)):
        return None
    rest = ast.Call(new.func, new.args, new.keywords[:-1])
    if not same(old, rest):
        return None
    if any(each.arg in {KEYWORD, None} for each in old.keywords):
        return f"`{KEYWORD}` may be given twice"
    if place.code.origin(old.func) not in DIGESTS:
        return f"what {place.at(old.func)} is cannot be told from the imports"
    if not place.supports((3, 9)):
        return "the target does not say that it needs Python 3.9 or newer"
    return HOLDS
