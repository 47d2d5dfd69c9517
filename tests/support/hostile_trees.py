"""Git trees as an attacker makes them: objects written by hand, which no git command would make."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pygit2
from hypothesis import strategies as st
from pygit2.enums import ObjectType

BLOB, EXECUTABLE, LINK, FOLDER, SUBMODULE = b"100644", b"100755", b"120000", b"40000", b"160000"
ORDINARY = [b"a", b"b", b"shop", b"test_it.py", b"setup.cfg", "é.py".encode(), b"\xff.py", b"..."]
HOSTILE = [
    *(b"", b".", b"..", b"../x", b"../../x.py", b"/tmp/x.py", b"a/b", b"a\\b", b"..\\x"),
    *(b".git", b".GIT", b".git ", b".git...", b".git::$INDEX_ALLOCATION", b"git~1", b"GIT~2"),
    *(".g\u200cit".encode(), "\ufeff.git".encode(), b"n" * 300),
]
TARGETS = [
    *(b"a", b"shop/a", b"../a", b"a/../b", b"missing", b".", b"..", b"../..", b"a/../../.."),
    *(b"/", b"/etc/passwd", b"../canary", b"../../canary", b"shop/../../canary", b"", b"x" * 5000),
]


@dataclass(frozen=True)
class Entry:
    """One entry of a tree; `content` is that of a blob, or the entries of a folder."""

    mode: bytes
    name: bytes
    content: bytes | tuple["Entry", ...]


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> tuple[Entry, ...]:
    """Draw the entries of a tree, of which about every sixth name is hostile."""
    made = []
    for _ in range(draw(st.integers(0, 4))):
        hostile = draw(st.integers(0, 17)) == 0
        name = draw(st.sampled_from(HOSTILE if hostile else ORDINARY))
        mode = draw(st.sampled_from([BLOB, EXECUTABLE, LINK, LINK, FOLDER, FOLDER, SUBMODULE]))
        if mode == FOLDER:
            content: bytes | tuple[Entry, ...] = draw(trees(depth - 1)) if depth else ()
        else:
            content = (
                draw(st.sampled_from(TARGETS)) if mode == LINK else draw(st.binary(max_size=9))
            )
        made.append(Entry(mode, name, content))
    return tuple(made)


def offending(entries: Sequence[Entry]) -> Iterator[bytes]:
    """Yield the names that a reader must refuse, worked out apart from it."""
    names = [each.name for each in entries]
    for each in entries:
        if each.name in HOSTILE or names.count(each.name) > 1:
            yield each.name
        if isinstance(each.content, tuple):
            yield from offending(each.content)


def write_tree(repository: pygit2.Repository, entries: Sequence[Entry]) -> pygit2.Oid:
    """Store a tree with entries exactly as given, sorted as git sorts them."""
    raw = b""
    for each in sorted(entries, key=lambda e: e.name + (b"/" if e.mode == FOLDER else b"")):
        if isinstance(each.content, tuple):
            oid = write_tree(repository, each.content)
        elif each.mode == SUBMODULE:
            oid = pygit2.Oid(hex="1" * 40)
        else:
            oid = repository.create_blob(each.content)
        raw += each.mode + b" " + each.name + b"\0" + oid.raw
    return repository.odb.write(ObjectType.TREE, raw)


def hostile_repository(place: Path, entries: Sequence[Entry]) -> pygit2.Repository:
    """Make a bare repository whose branch main is one commit of such a tree."""
    repository = pygit2.init_repository(str(place), bare=True, initial_head="main")
    tree, who = write_tree(repository, entries), "a <a@localhost> 0 +0000"
    commit = f"tree {tree}\nauthor {who}\ncommitter {who}\n\nx\n".encode()
    made = repository.odb.write(ObjectType.COMMIT, commit)
    repository.references.create("refs/heads/main", made)
    return repository
