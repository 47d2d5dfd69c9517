"""Patches on content: applying hunks, and the rules a patch must keep."""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from shared.targets.patches import FilePatch, Hunk, Kind

REGULAR = {0o100644, 0o100755}
# Also as Windows shortens it.
GIT_NAME = re.compile(r"^(?:\.git|git~[0-9]+)[ .]*$", re.IGNORECASE)
LINK, GITLINK = 0o120000, 0o160000
# What Windows cannot hold: devices, the end of a name, and characters with a meaning there.
NOT_ON_WINDOWS = re.compile(
    r"^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?$|[ .]$|[<>:\"|?*]", re.IGNORECASE
)
LONGEST_NAME = 255
# Below what any system holds with a directory before it: what cannot be laid out could never be tried.
LONGEST_PATH = 1000
ODD_NAME = re.compile(r"[\x00-\x1f\x7f\\]|(?:^|/)\.\.?(?:/|$)|^/|//|/$|^$")


def apply_hunks(content: bytes, hunks: Sequence[Hunk]) -> bytes | None:
    """`content` with every hunk applied; None where one does not fit.

    Like `git apply`: the old lines must be there exactly; they are looked for from the line the
    hunk names, outward, after what earlier hunks moved. No fuzz. Unlike there, a hunk of the first
    line may have moved as well: what stood before it may have been refused.
    """
    lines = split_lines(content)
    shift, floor = 0, 0
    for hunk in hunks:
        place = _find(lines, hunk.old, hunk.start + shift, floor)
        if place is None:
            return None
        lines[place : place + len(hunk.old)] = hunk.new
        shift = place - hunk.start + len(hunk.new) - len(hunk.old)
        floor = place + len(hunk.new)
    return b"".join(lines)


def split_lines(content: bytes) -> list[bytes]:
    """Lines with their ends; only a line feed ends one, as in git."""
    lines = content.split(b"\n")
    ended = [line + b"\n" for line in lines[:-1]]
    return [*ended, lines[-1]] if lines[-1] else ended


def _find(lines: list[bytes], old: Sequence[bytes], wanted: int, floor: int) -> int | None:
    """The place of `old` nearest to `wanted`, not before `floor`."""
    if not old:
        return wanted if floor <= wanted <= len(lines) and (wanted == 0) == (not lines) else None
    last = len(lines) - len(old)
    wanted = min(max(wanted, floor), max(last, floor))
    for distance in range(max(wanted - floor, last - wanted, 0) + 1):
        for place in {wanted + distance, wanted - distance}:
            if floor <= place <= last and lines[place : place + len(old)] == list(old):
                return place
    return None


@dataclass(frozen=True)
class Policy:
    """What a patch may do: `allowed` are the paths of its lease, `protected` nobody's.

    `taken` are the paths that are there already.
    """

    allowed: Callable[[str], bool]
    protected: Callable[[str], bool]
    max_files: int
    max_lines: int
    taken: Collection[str] = ()


def check_patch(files: Sequence[FilePatch], policy: Policy) -> str | None:
    """The first rule that a patch breaks, by name and in words; None where it keeps them all."""
    if not files:
        return "empty: it changes nothing"
    if len(files) > policy.max_files:
        return f"too-large: it changes {len(files)} files; {policy.max_files} are allowed"
    lines = sum(each.lines for each in files)
    if lines > policy.max_lines:
        return f"too-large: it changes {lines} lines; {policy.max_lines} are allowed"
    if len({each.path for each in files}) < len(files):
        return "twice: it names a file twice"
    problem = next((problem for each in files if (problem := _check_file(each, policy))), None)
    return problem or _twin([each.path for each in files if each.kind is Kind.ADD], policy.taken)


def _twin(added: Sequence[str], taken: Collection[str]) -> str | None:
    """A new name that some file system cannot tell from another one: by case, or by its code points."""
    if not added:
        return None
    there = {part for path in taken for part in _prefixes(path)}
    known = {_folded(part): part for part in there}
    for path in added:
        for part in _prefixes(path):
            other = known.setdefault(_folded(part), part)
            if part not in there and other != part:
                return f"case-twin: {path}, as some file systems do not tell {part} from {other}"
    return None


def _prefixes(path: str) -> Iterator[str]:
    """The path, and each directory on its way."""
    parts = path.split("/")
    return ("/".join(parts[:n]) for n in range(1, len(parts) + 1))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _check_file(file: FilePatch, policy: Policy) -> str | None:  # noqa: PLR0911 - a list of rules
    if _is_odd_path(file.path):
        return f"odd-name: {file.path!r}"
    if file.kind is Kind.OTHER or file.old_path != file.path:
        return f"rename: {file.path} is moved, copied or changes its kind"
    modes = {mode for mode in (file.old_mode, file.new_mode) if mode}
    if LINK in modes:
        return f"link: {file.path}"
    if GITLINK in modes:
        return f"gitlink: {file.path}"
    if not modes <= REGULAR:
        return f"not-regular-file: {file.path}"
    if len(modes) > 1:
        return f"mode: {file.path} would change its mode"
    if file.binary:
        return f"binary: {file.path} is not a text, or nothing in it changes"
    if policy.protected(file.path):
        return f"protected-path: {file.path}"
    if not policy.allowed(file.path):
        return f"outside-lease: {file.path}"
    return None


def _is_odd_path(path: str) -> bool:
    too_long = len(path.encode(errors="surrogatepass")) > LONGEST_PATH
    return bool(ODD_NAME.search(path)) or too_long or any(_is_odd(each) for each in path.split("/"))


def _is_odd(part: str) -> bool:
    """Whether a name in a path means something else on another system, or to git."""
    too_long = len(part.encode(errors="surrogatepass")) > LONGEST_NAME
    return too_long or bool(GIT_NAME.match(part) or NOT_ON_WINDOWS.search(part))
