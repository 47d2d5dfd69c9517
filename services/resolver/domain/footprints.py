"""Footprints: what a proposal changes and relies on, in the lines of one commit of the target.

The proposals of a task build on each other, so a patch counts lines that exist only after those
before it. A traced file remembers for each of its lines which lines of the commit it stands for;
that makes the proposals of different tasks comparable.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.resolver.domain.signatures import called_names, changed_signatures
from shared.targets.hunks import place_hunks, split_lines
from shared.targets.languages import PYTHON
from shared.targets.patches import FilePatch, Hunk, PatchKind, replaced_lines

Range = tuple[int, int]
WHOLE_FILE: Range = (0, sys.maxsize)


@dataclass(frozen=True)
class LineEdit:
    """Lines of a file, a half-open range of indexes from 0, and the lines they become."""

    path: str
    start: int
    end: int
    new: tuple[bytes, ...]


@dataclass(frozen=True)
class Footprint:
    """What a proposal changes and relies on.

    `spans` are the lines by path that must be as they are for its patch to apply, `edits` those of
    them that it rewrites. `signatures` are the functions whose callers it may affect, `calls` those
    that its new lines call, by name.
    """

    spans: Mapping[str, tuple[Range, ...]] = field(default_factory=dict)
    edits: frozenset[LineEdit] = frozenset()
    signatures: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()


@dataclass(frozen=True)
class TracedFile:
    """The lines of a file, and the range of lines of the commit that each stands for.

    `exists` is false for a file that is not there.
    """

    lines: tuple[bytes, ...] = ()
    origins: tuple[Range, ...] = ()
    exists: bool = True

    def origin(self, start: int, end: int) -> Range:
        """Return the lines of the commit for which a range of lines stands; it may be empty."""
        if start < end:
            inside = self.origins[start:end]
            return min(low for low, _ in inside), max(high for _, high in inside)
        place = self.origins[start - 1][1] if start else 0
        return place, place


def trace(content: bytes | None) -> TracedFile:
    """Return a file of the commit, in which each line stands for itself; None is no file."""
    lines = tuple(split_lines(content or b""))
    origins = tuple((index, index + 1) for index in range(len(lines)))
    return TracedFile(lines, origins, exists=content is not None)


def make_footprint(
    contents: Mapping[str, bytes | None],
    earlier: Sequence[Sequence[FilePatch]],
    patch: Sequence[FilePatch],
) -> Footprint | None:
    """Return the footprint of a patch on a commit; None if it does not apply there.

    `contents` has the files that the patches name. `earlier` are those before it in its task; one
    that does not apply is left out, as it may be part of the commit already.
    """
    files = {path: trace(content) for path, content in contents.items()}
    for each in earlier:
        files |= _apply(each, files) or {}
    after = _apply(patch, files)
    if after is None:
        return None
    spans = {file.path: _spans(file, files[file.path]) for file in patch}
    edits = frozenset(each for file in patch for each in _edits(file, files[file.path]))
    python = [file for file in patch if PYTHON.has_suffix(file.path)]
    pairs = [(files[file.path], after[file.path]) for file in python]
    return Footprint(
        spans=spans,
        edits=edits,
        signatures=frozenset().union(*(changed_signatures(*map(_text, pair)) for pair in pairs)),
        calls=frozenset().union(
            *(called_names(_text(new), _new_lines(_text(old), _text(new))) for old, new in pairs)
        ),
    )


def _text(file: TracedFile) -> bytes:
    """Return the content of a file; empty where there is none."""
    return b"".join(file.lines)


def _new_lines(before: bytes, after: bytes) -> tuple[Range, ...]:
    """Return the ranges of lines of `after` that are not in `before`."""
    return tuple((each.new_start, each.new_end) for each in replaced_lines(before, after))


def _apply(
    patch: Sequence[FilePatch], files: Mapping[str, TracedFile]
) -> dict[str, TracedFile] | None:
    """Return the files that a patch changes as it leaves them; None if it does not apply whole."""
    after = {}
    for file in patch:
        before = files[file.path]
        if before.exists == (file.kind is PatchKind.ADD) or _places(file, before) is None:
            return None
        after[file.path] = _patched(file, before)
    return after


def _places(file: FilePatch, before: TracedFile) -> tuple[int, ...] | None:
    """Return the index at which each hunk applies; None if one does not, or for a binary file."""
    if file.binary or file.kind is PatchKind.OTHER:
        return None
    return place_hunks([*before.lines], file.hunks)


def _patched(file: FilePatch, before: TracedFile) -> TracedFile:
    """Return a file with all hunks applied; new lines stand for those that they replace."""
    lines, origins = [*before.lines], [*before.origins]
    for start, end, new in reversed([*_replacements(file, before)]):
        lines[start:end] = new
        origins[start:end] = [before.origin(start, end)] * len(new)
    exists = file.kind is not PatchKind.DELETE
    return TracedFile(tuple(lines), tuple(origins), exists=exists)


def _replacements(
    file: FilePatch, before: TracedFile
) -> Iterator[tuple[int, int, tuple[bytes, ...]]]:
    """Yield (start, end, new lines) of what a patch replaces in a file, without any context."""
    places = _places(file, before) or ()
    for place, hunk in zip(places, file.hunks, strict=True):
        for each in _changed_parts(hunk):
            yield place + each.start, place + each.end, each.new


def _changed_parts(hunk: Hunk) -> Iterator[LineEdit]:
    """Yield what a hunk replaces, in lines counted from its own first one."""
    for each in replaced_lines(b"".join(hunk.old), b"".join(hunk.new)):
        yield LineEdit("", each.old_start, each.old_end, hunk.new[each.new_start : each.new_end])


def _spans(file: FilePatch, before: TracedFile) -> tuple[Range, ...]:
    """Return the lines of the commit on which the hunks of a patch rely, their context included."""
    if file.kind is not PatchKind.MODIFY:
        return (WHOLE_FILE,)
    places = _places(file, before) or ()
    return tuple(
        before.origin(place, place + len(hunk.old))
        for place, hunk in zip(places, file.hunks, strict=True)
    )


def _edits(file: FilePatch, before: TracedFile) -> Iterator[LineEdit]:
    """Yield what a patch replaces in one file, in lines of the commit."""
    for start, end, new in _replacements(file, before):
        yield LineEdit(file.path, *before.origin(start, end), new)
