"""The names in a git tree that are not safe to write to disk.

Git itself refuses them when it makes a tree, but not when somebody makes the objects by hand.
"""

import re

MAX_NAME_BYTES = 255
# Short enough to be written below another directory, and to be removed again by recursion.
MAX_PATH_BYTES = 3000
MAX_DEPTH = 200
# The names of nearly all files: they need no closer look.
ORDINARY_NAME = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,100}\Z")
# `.git` as NTFS knows it: its short name, trailing dots and spaces, and streams.
NTFS_GIT = re.compile(r"(?:\.git|git~[0-9]+)[ .]*(?::.*)?\Z", re.IGNORECASE | re.DOTALL)
# Code points that HFS+ ignores in names.
HFS_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
FORBIDDEN_CHARACTERS = {"/": "a slash", "\\": "a backslash", "\0": "a NUL"}


def name_problem(name: bytes) -> str:
    """Return why one name of a path must not be written to disk; empty if it may be."""
    return "" if ORDINARY_NAME.match(name) else _problem(name)


def path_problem(path: str) -> str:
    """Return why a relative POSIX path must not be written to; empty if it may be."""
    names = path.encode(errors="surrogateescape").split(b"/")
    if problem := next((problem for each in names if (problem := name_problem(each))), ""):
        return problem
    return placement_problem(path.encode(errors="surrogateescape"), len(names))


def placement_problem(path: bytes, depth: int) -> str:
    """Return why a path is too long or too deep; empty if it is not."""
    if len(path) > MAX_PATH_BYTES:
        return f"the path has more than {MAX_PATH_BYTES} bytes"
    return f"it is more than {MAX_DEPTH} folders deep" if depth > MAX_DEPTH else ""


def _problem(name: bytes) -> str:
    """Return why a name that is not ordinary must not be written; empty if it may be."""
    if not name:
        return "the name is empty"
    if len(name) > MAX_NAME_BYTES:
        return f"the name has more than {MAX_NAME_BYTES} bytes"
    text = name.decode(errors="surrogateescape")
    if text in {".", ".."}:
        return f"the name is {text!r}"
    for character, shown in FORBIDDEN_CHARACTERS.items():
        if character in text:
            return f"the name holds {shown}"
    if NTFS_GIT.match(text) or HFS_IGNORED.sub("", text).lower() == ".git":
        return "some file systems read the name as '.git'"
    return ""
