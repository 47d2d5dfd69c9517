"""Which of what vulture finds is certainly dead, and which of it can be removed."""

import ast
import re
from enum import Enum

from shared.detectors.vulture.scan import (
    DeadCode,
    Definition,
    defined_names,
    has_statements_after_leaving,
)
from shared.detectors.vulture.words import RepositoryWords

# Files of which others take names that nobody spells: test runners, build tools, frameworks.
FOUND_BY_NAME = re.compile(
    r"(^|/)(conftest|tests?|test_[^/]*|[^/]*_tests?|setup|conf|settings|manage|noxfile|fabfile"
    r"|dodo|tasks|wsgi|asgi|gunicorn[^/]*)\.pyi?$|(^|/)(tests?|migrations|versions)/"
)
PLAIN_DECORATORS = frozenset({"property", "staticmethod", "classmethod"})
PLAIN_BASES = frozenset({"object", "Exception", "ValueError", "TypeError", "RuntimeError"})
YIELDS = (ast.Yield, ast.YieldFrom)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Verdict(Enum):
    """What is known about code that vulture reports."""

    ALIVE = "it may be used"
    DEAD = "nothing uses it, and it can be removed"
    UNUSED = "the repository does not use it, but others may"


def judge(found: DeadCode, path: str, words: RepositoryWords, *, published: bool) -> Verdict:
    """Return what is known about code that vulture reports.

    `published` says that people outside of the repository may import its modules.
    """
    if not found.name:
        return _judge_statements(found)
    if FOUND_BY_NAME.search(path) or _is_special(found.name) or not _is_plain(found):
        return Verdict.ALIVE
    if not _is_mentioned_once(found.name, words):
        return Verdict.ALIVE
    if found.name.startswith("_") or isinstance(found.owner, FUNCTIONS):
        return Verdict.DEAD
    return Verdict.ALIVE if published else Verdict.UNUSED


def may_have_dead_code(path: str, text: str, words: RepositoryWords, *, published: bool) -> bool:
    """Return, by a quick look, whether anything in a file could be judged to be dead."""
    if has_statements_after_leaving(text):
        return True
    names = defined_names(text, published=published)
    return not FOUND_BY_NAME.search(path) and any(
        _is_mentioned_once(each, words) and not _is_special(each) for each in names
    )


def _is_mentioned_once(name: str, words: RepositoryWords) -> bool:
    """Return whether only the definition of a name mentions it, as a whole or in parts."""
    return words.count(name) == 1 and not words.may_be_composed(name)


def _judge_statements(found: DeadCode) -> Verdict:
    """Judge statements that are never reached: a `yield` makes a function a generator."""
    inner = (node for each in found.nodes for node in ast.walk(each))
    return Verdict.ALIVE if any(isinstance(e, YIELDS) for e in inner) else Verdict.DEAD


def _is_special(name: str) -> bool:
    """Return whether a name is one that Python or a tool looks for, such as `_repr_html_`."""
    return name.startswith("__") or (name.startswith("_") and name.endswith("_"))


def _is_plain(found: DeadCode) -> bool:
    """Return whether a definition only binds its name, and its class is no base's template."""
    node = found.nodes[0]
    assert isinstance(node, Definition)
    if not all(isinstance(e, ast.Name) and e.id in PLAIN_DECORATORS for e in node.decorator_list):
        return False
    if isinstance(node, ast.ClassDef) and not _has_plain_bases(node):
        return False
    owner = found.owner
    if isinstance(owner, ast.ClassDef):
        return isinstance(node, FUNCTIONS) and _has_plain_bases(owner) and not owner.decorator_list
    return isinstance(owner, (ast.Module, *FUNCTIONS))


def _has_plain_bases(node: ast.ClassDef) -> bool:
    """Return whether a class has no base or keyword that may look at what it defines."""
    plain = all(isinstance(each, ast.Name) and each.id in PLAIN_BASES for each in node.bases)
    return plain and not node.keywords
