"""Checks an edit of a file: every place that differs must meet a condition of its rule."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import groupby
from typing import Any

from shared.behaviour.code import ParsedFile, same
from shared.behaviour.condition import CONDITIONS, HOLDS
from shared.behaviour.conditions import GENERAL
from shared.behaviour.names import UNKNOWN_NAMES, NamesTaken
from shared.behaviour.place import Place
from shared.behaviour.whole_file import docstring, other_file
from shared.detectors.texts import split_lines

MAX_PARSED_FILES = 256
MAX_DUMPED_STATEMENTS = 4096
NO_FORM = "nothing is known that would show that such an edit keeps behaviour"
# Fields of nodes that others may read as they are written, such as the strings of annotations.
WRITTEN = frozenset({"annotation", "returns", "type_params"})
# The oldest Python that the arguments of the conditions are made for.
OLDEST_PYTHON = (3, 7)
Around = tuple[tuple[ast.AST, ast.AST], ...]


@dataclass(frozen=True)
class OpenPlace:
    """Lines of the old file where no condition was shown, and why not."""

    line: int
    end_line: int
    reason: str


@dataclass(frozen=True)
class BehaviourCheck:
    """The conditions that were shown, by name, and the places where none was.

    Without either, the two versions differ in comments and layout only.
    """

    shown: frozenset[str] = frozenset()
    open: tuple[OpenPlace, ...] = ()

    @property
    def keeps_behaviour(self) -> bool:
        """True if a condition was shown at every place."""
        return not self.open


def check_behaviour(
    path: str,
    before: str,
    after: str,
    unless: Sequence[str],
    *,
    taken: NamesTaken = UNKNOWN_NAMES,
    oldest_python: tuple[int, int] | None = None,
) -> BehaviourCheck:
    """Check an edit of a Python file against the conditions named in `unless`.

    Versions that cannot be parsed are one open place.
    """
    try:
        old, new = _parsed(path, before), _parsed(path, after)
        return _Check(old, new, unless, taken, oldest_python).check()
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        lines = before.count("\n") + 1
        return BehaviourCheck(open=(OpenPlace(1, lines, f"it cannot be parsed: {error}"),))


@lru_cache(maxsize=MAX_PARSED_FILES)
def _parsed(path: str, text: str) -> ParsedFile:
    """Return a parsed file, from a cache. Raises SyntaxError or ValueError for invalid code."""
    code = ParsedFile(path, text)
    _ = code.tree
    return code


class _Check:
    """One comparison of two versions."""

    def __init__(
        self,
        code: ParsedFile,
        new: ParsedFile,
        unless: Sequence[str],
        taken: NamesTaken,
        oldest_python: tuple[int, int] | None,
    ) -> None:
        self._code = code
        self._new = new
        self._conditions = [CONDITIONS[each] for each in (*unless, *GENERAL)]
        self._taken = taken
        self._oldest = oldest_python
        self._shown: set[str] = set()

    def check(self) -> BehaviourCheck:
        """Return the conditions shown between the two versions, and the open places."""
        trees = (self._code.tree, self._new.tree)
        keys = _texts(self._code), _texts(self._new)
        found = list(self._suites(trees[0].body, trees[1].body, (trees,), *keys))
        if not found and (why := other_file(self._code, self._new, self._oldest)):
            found.append(OpenPlace(1, self._code.text.count("\n") + 1, why))
        return BehaviourCheck(frozenset(self._shown), tuple(found))

    def _suites(
        self,
        old: Sequence[ast.stmt],
        new: Sequence[ast.stmt],
        around: Around,
        old_keys: Sequence[str] = (),
        new_keys: Sequence[str] = (),
    ) -> Iterator[OpenPlace]:
        """Yield the open places of two blocks, aligned by the statements that both have."""
        old_keys = old_keys or [_dumped(each) for each in old]
        new_keys = new_keys or [_dumped(each) for each in new]
        matcher = SequenceMatcher(None, old_keys, new_keys, autojunk=False)
        for tag, a, b, c, d in matcher.get_opcodes():
            if tag != "equal":
                near = old[max(a - 1, 0)] if old else around[-1][0]
                yield from self._block(old[a:b], new[c:d], around, near)

    def _block(
        self,
        old: Sequence[ast.stmt],
        new: Sequence[ast.stmt],
        around: Around,
        near: ast.AST,
    ) -> Iterator[OpenPlace]:
        """Yield the smallest places where no condition covers replacing `old` by `new`."""
        answer = self._ask(old, new, around)
        if answer == HOLDS:
            return
        if len(old) == len(new):
            for one, other in zip(old, new, strict=True):
                yield from self._nodes(one, other, around)
            return
        # Statements were added or dropped beside others that were changed.
        kinds, new_kinds = [_kind(each) for each in old], [_kind(each) for each in new]
        matcher = SequenceMatcher(None, kinds, new_kinds, autojunk=False)
        parts = [each for each in matcher.get_opcodes() if each[1:] != (0, len(old), 0, len(new))]
        groups = _groups(old) if not parts and not new else []
        if len(groups) > 1:
            for each in groups:
                yield from self._block(each, new, around, near)
            return
        if not parts:
            where = (old[0], old[-1]) if old else (near, near)
            yield _open(*where, answer)
        for tag, a, b, c, d in parts:
            if tag == "equal":
                for one, other in zip(old[a:b], new[c:d], strict=True):
                    yield from self._nodes(one, other, around)
            else:
                yield from self._block(old[a:b], new[c:d], around, old[a] if a < len(old) else near)

    def _nodes(self, old: ast.AST, new: ast.AST, around: Around) -> Iterator[OpenPlace]:
        """Yield the open places of two nodes, compared part by part if they are alike."""
        if same(old, new):
            return
        answer = self._ask([old], [new], around)
        if answer == HOLDS:
            return
        parts = _parts(old, new)
        if parts is None or answer:
            yield _open(old, old, answer, [each for each, _ in around])
            return
        for one, other in parts:
            if isinstance(one, list):
                yield from self._suites(one, other, (*around, (old, new)))
            else:
                yield from self._nodes(one, other, (*around, (old, new)))

    def _ask(self, old: Sequence[ast.AST], new: Sequence[ast.AST], around: Around) -> str | None:
        """Return `HOLDS` if a condition is shown for replacing `old` by `new`.

        Else return the reasons why none is, or None where no condition is about such an edit.
        """
        if self._oldest is not None and self._oldest < OLDEST_PYTHON:
            return "the target supports a Python older than 3.7, where other arguments hold"
        if len(old) == len(new) == 1 and docstring(old[0]) != docstring(new[0]):
            return "its docstring is another one"
        place = Place(self._code, self._new, old, new, around, self._taken, self._oldest)
        reasons = []
        for each in self._conditions:
            answer = each.check(place)
            if answer == HOLDS:
                self._shown.add(each.name)
                return HOLDS
            if answer:
                reasons.append(answer)
        return ", and ".join(dict.fromkeys(reasons)) or None


def _parts(old: ast.AST, new: ast.AST) -> list[tuple[Any, Any]] | None:
    """Return the pairs of parts of two nodes; None if they differ in more than their parts."""
    if type(old) is not type(new):
        return None
    found: list[tuple[Any, Any]] = []
    for name in old._fields:
        one, other = getattr(old, name, None), getattr(new, name, None)
        if name in WRITTEN and _dumps(one) != _dumps(other):
            return None
        if _is_suite(one) and _is_suite(other) and (one or other):
            found.append((one, other))
        elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
            if not all(isinstance(each, ast.AST) for each in (*one, *other)):
                if one != other:
                    return None
                continue
            found += zip(one, other, strict=True)
        elif isinstance(one, ast.AST) and isinstance(other, ast.AST):
            found.append((one, other))
        elif type(one) is not type(other) or one != other:
            return None
    return found


def _dumps(value: Any) -> list[str]:
    """Return the value of a field that is a node, a list of nodes or None, as dumped trees."""
    nodes = value if isinstance(value, list) else [value] if value is not None else []
    return [ast.dump(each) for each in nodes]


@lru_cache(maxsize=MAX_DUMPED_STATEMENTS)
def _dumped(node: ast.stmt) -> str:
    """Return a statement without its layout, from a cache: versions of a file share statements."""
    return ast.dump(node)


def _kind(node: ast.stmt) -> str:
    """Return the type and name of a statement, by which it is found again after a change."""
    return f"{type(node).__name__} {getattr(node, 'name', '')}"


def _groups(nodes: Sequence[ast.stmt]) -> list[list[ast.stmt]]:
    """Divide statements into runs of imports and runs of anything else."""
    imports = (ast.Import, ast.ImportFrom)
    return [[*run] for _, run in groupby(nodes, lambda each: isinstance(each, imports))]


def _is_suite(value: object) -> bool:
    """Return whether the value of a node's field is a list of statements, or an empty list."""
    return isinstance(value, list) and all(isinstance(each, ast.stmt) for each in value)


def _open(
    first: ast.AST, last: ast.AST, reason: str | None, parents: Sequence[ast.AST] = ()
) -> OpenPlace:
    """Return the lines from one node to another as an open place.

    A node without line numbers has those of the innermost parent that has some.
    """
    around = (*reversed(parents),)
    start = next((n for n in (first, *around) if hasattr(n, "lineno")), None)
    end = next((n for n in (last, *around) if getattr(n, "end_lineno", None)), None)
    return OpenPlace(
        getattr(start, "lineno", 1), getattr(end, "end_lineno", 1) or 1, reason or NO_FORM
    )


def _texts(code: ParsedFile) -> list[str]:
    """Return the text of each statement at the top level, its decorators included."""
    lines = split_lines(code.text)
    return [_text(each, lines) for each in code.tree.body]


def _text(node: ast.stmt, lines: Sequence[str]) -> str:
    """Return the source text of a statement with its decorators, and its column after `#`."""
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
    return "".join(lines[first - 1 : node.end_lineno]) + f"#{node.col_offset}"
