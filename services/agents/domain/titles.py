"""Titles of proposals, which become the subjects of commits: no two of a target are alike."""

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import chain, count
from pathlib import PurePosixPath

from shared.agent_types import Proposal
from shared.detectors.ports import Change
from shared.detectors.texts import split_lines
from shared.kernel.syntax import parse

MAX_SUBJECT_COLUMNS = 72
MIN_PLACE_COLUMNS = 8
# A Conventional Commit's type, scope and description.
SCOPED_TITLE = re.compile(r"(\w+)\(([^()]+)\): (.+)")
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def naming_their_file(proposals: Sequence[Proposal]) -> list[Proposal]:
    """Return the proposals with the module in the scope of each title that is about one file.

    So people can tell apart what several agents propose for the parts of one component.
    """
    return [replace(each, title=_naming_its_file(each)) for each in proposals]


def with_unique_titles(
    proposals: Sequence[Proposal], taken: Collection[str] = ()
) -> list[Proposal]:
    """Return the proposals with titles that neither two of them share nor one is of `taken`.

    Where they would, a title says what it is about: a module, modules, or functions.
    """
    counts = Counter(each.title for each in proposals)
    used = set(taken)
    found = []
    for each in proposals:
        plain = [each.title] if counts[each.title] == 1 else []
        title = next(title for title in chain(plain, _variants(each)) if title not in used)
        used.add(title)
        found.append(replace(each, title=title))
    return found


def _variants(proposal: Proposal) -> Iterator[str]:
    """Yield titles that say more and more about what a proposal changes, at last with numbers."""
    title, changes = proposal.title, proposal.changes or {}
    named = _naming_its_file(proposal)
    if named != title:
        yield named
    modules = [_module(path) for path in sorted(changes)]
    functions = [each for _, made in sorted(changes.items()) for each in _changed_functions(made)]
    for each in (modules, functions):
        if (placed := _with_place(title, each)) is not None:
            yield placed
    yield title
    yield from (_numbered(title, f"part {number}") for number in count(2))


def _naming_its_file(proposal: Proposal) -> str:
    """Return the title of a proposal, with its module in the scope if it changes one file."""
    parts, paths = SCOPED_TITLE.match(proposal.title), list(proposal.changes or ())
    if parts is None or len(paths) != 1:
        return proposal.title
    module = PurePosixPath(paths[0]).stem
    kind, scope, phrase = parts.groups()
    if module == "__init__" or module == scope.rpartition(".")[2]:
        return proposal.title
    named = f"{kind}({scope}.{module}): {phrase}"
    return named if len(_divided(named)[0]) <= MAX_SUBJECT_COLUMNS else proposal.title


def _module(path: str) -> str:
    """Return the name of a file without its suffix; of a package, the package's."""
    file = PurePosixPath(path)
    return file.parent.name or file.stem if file.stem == "__init__" else file.stem


def _changed_functions(made: Change) -> list[str]:
    """Return the names of the innermost functions and classes that an edit changes, in order."""
    before, after = made
    try:
        tree = parse(before)
    except (SyntaxError, ValueError, RecursionError):
        return []
    definitions = sorted(_definitions(tree), key=lambda each: each[0].stop - each[0].start)
    found: dict[str, None] = {}
    old, new = split_lines(before), split_lines(after)
    for tag, first, last, _, _ in SequenceMatcher(None, old, new).get_opcodes():
        for line in range(first, max(last, first + 1)) if tag != "equal" else ():
            name = next((name for lines, name in definitions if line + 1 in lines), "")
            found |= {name: None} if name else {}
    return list(found)


def _definitions(node: ast.AST, around: str = "") -> Iterator[tuple[range, str]]:
    """Yield the lines and the qualified name of each function and class below a node."""
    for each in ast.iter_child_nodes(node):
        name = f"{around}{each.name}" if isinstance(each, Definition) else ""
        if isinstance(each, Definition):
            yield range(each.lineno, (each.end_lineno or each.lineno) + 1), name
        yield from _definitions(each, f"{name}." if name else around)


def _with_place(title: str, names: Sequence[str]) -> str | None:
    """Return a title that names these places, as far as there is room; None if there is none."""
    words, brackets = _divided(title)
    room = MAX_SUBJECT_COLUMNS - len(f"{words} in ")
    place = _listed(names, room)
    return f"{words} in {place}{brackets}" if place else None


def _listed(names: Sequence[str], room: int) -> str:
    """Return names in so many columns, the last ones only counted or the first one cut."""
    for kept in range(len(names), 0, -1):
        more = [f"{len(names) - kept} more"] if kept < len(names) else []
        *first, last = [*names[:kept], *more]
        text = f"{', '.join(first)} and {last}" if first else last
        if len(text) <= room:
            return text
    return f"{names[0][: room - 1]}…" if names and room >= MIN_PLACE_COLUMNS else ""


def _divided(title: str) -> tuple[str, str]:
    """Return a title without and with only what is in brackets at its end."""
    words, bracket, inside = title.rpartition(" (")
    return (words, bracket + inside) if words and title.endswith(")") else (title, "")


def _numbered(title: str, number: str) -> str:
    """Return a title with a number in the brackets at its end."""
    return f"{title[:-1]}, {number})" if title.endswith(")") else f"{title} ({number})"
