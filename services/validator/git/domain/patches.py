"""Checking a patch against the policy."""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from shared.targets.names import name_problem
from shared.targets.patches import FilePatch, PatchKind

REGULAR_MODES = {0o100644, 0o100755}
LINK_MODE, GITLINK_MODE = 0o120000, 0o160000
# Names that Windows cannot store: devices, trailing dots or spaces, and reserved characters.
NOT_ON_WINDOWS = re.compile(
    r"^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?$|[ .]$|[<>:\"|?*]", re.IGNORECASE
)
# Short enough to be exported below another directory on any system; else it could not be tested.
MAX_PATH_BYTES = 1000
ODD_NAME = re.compile(r"[\x00-\x1f\x7f\\]|(?:^|/)\.\.?(?:/|$)|^/|//|/$|^$")


@dataclass(frozen=True)
class PatchPolicy:
    """What a patch may change.

    `allowed` accepts the paths of its lease, `protected` those that no agent may change.
    `existing` returns all paths of the tree that the patch is for.
    """

    allowed: Callable[[str], bool]
    protected: Callable[[str], bool]
    max_files: int
    max_lines: int
    existing: Callable[[], Collection[str]] = tuple


def check_patch(files: Sequence[FilePatch], policy: PatchPolicy) -> str | None:
    """Return the first rule that a patch breaks as "name: words"; None if it breaks none."""
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
    added = [each.path for each in files if each.kind is PatchKind.ADD]
    return problem or _case_twin(added, policy.existing() if added else ())


def _case_twin(added: Sequence[str], existing: Collection[str]) -> str | None:
    """Return a broken rule if a new name differs from another only by case or Unicode form.

    Some file systems do not tell such names apart.
    """
    if not added:
        return None
    present = {part for path in existing for part in _prefixes(path)}
    known = {_folded(part): part for part in present}
    for path in added:
        for part in _prefixes(path):
            other = known.setdefault(_folded(part), part)
            if part not in present and other != part:
                return f"case-twin: {path}, as some file systems do not tell {part} from {other}"
    return None


def _prefixes(path: str) -> Iterator[str]:
    """Yield each directory above a path, outermost first, and the path."""
    parts = path.split("/")
    return ("/".join(parts[:n]) for n in range(1, len(parts) + 1))


def _folded(name: str) -> str:
    """Return a name without differences of case or Unicode normal form."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _check_file(  # noqa: PLR0911 - one return per rule
    file: FilePatch, policy: PatchPolicy
) -> str | None:
    """Return the rule that one file of a patch breaks as "name: words"; None if none."""
    if _is_odd_path(file.path):
        return f"odd-name: {file.path!r}"
    if file.kind is PatchKind.OTHER or file.old_path != file.path:
        return f"rename: {file.path} is moved, copied or changes its kind"
    modes = {mode for mode in (file.old_mode, file.new_mode) if mode}
    if LINK_MODE in modes:
        return f"link: {file.path}"
    if GITLINK_MODE in modes:
        return f"gitlink: {file.path}"
    if not modes <= REGULAR_MODES:
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
    """Return True if a path is too long, or unsafe in git or on some system."""
    too_long = len(path.encode(errors="surrogatepass")) > MAX_PATH_BYTES
    return bool(ODD_NAME.search(path)) or too_long or any(_is_odd(each) for each in path.split("/"))


def _is_odd(part: str) -> bool:
    """Return True if one name of a path has a special meaning to git or on another system."""
    encoded = part.encode(errors="surrogatepass")
    return bool(name_problem(encoded) or NOT_ON_WINDOWS.search(part))
