"""Pushing to a repository on this machine without the processes that `git push` starts on our side.

The other end is git's own `receive-pack`: it alone decides, and moves the branch by compare-and-swap.
Ours is the client's part of gitprotocol-pack(5), "Pushing Data To a Server", for one reference.
"""

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import pygit2

from shared.targets.git import GitError, receive_pack

NOTHING = "0" * 40
FLUSH = b"0000"


def send(
    repository: pygit2.Repository,
    location: str,
    reference: str,
    tip: str,
    seen: str | None,
    *settings: str,
) -> None:
    """Move `reference` of the repository at `location` from `seen` (None: new) to `tip`.

    `settings` are git's, for the other end. Raises `GitError` with what that end said.
    """
    argv, environment = receive_pack(location, *settings)
    with subprocess.Popen(
        argv,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        there = dict(_advertised(process.stdout))
        told = b""
        if there.get(reference) == seen:
            command = f"{seen or NOTHING} {tip} {reference}\0report-status"
            told = _packet(command.encode()) + FLUSH + _pack(repository, tip, there.values())
        answer, stderr = process.communicate(told or FLUSH)
    said = [line for line in _lines(answer) if not line.startswith(("ok ", "unpack ok"))]
    if process.returncode == 0 and not told:
        said.append(f"stale info: {reference} has moved")
    if process.returncode or said:
        problem = "\n".join((*said, stderr.decode(errors="replace")))
        raise GitError(("receive-pack",), problem)


def _advertised(stream: IO[bytes]) -> Iterator[tuple[str, str]]:
    """Each reference of the other end, and its object. `.have` is what it borrows from elsewhere."""
    while line := _read(stream):
        oid, _, name = line.partition(b"\0")[0].decode(errors="surrogateescape").partition(" ")
        if len(oid) == len(NOTHING) and oid != NOTHING:
            yield name.strip(), oid


def _read(stream: IO[bytes]) -> bytes:
    """One packet; empty at a flush, and where the other end is gone."""
    length = int(stream.read(4) or FLUSH, 16)
    return stream.read(length - 4) if length else b""


def _lines(answer: bytes) -> Iterator[str]:
    while answer and (length := int(answer[:4], 16)):
        yield answer[4:length].decode(errors="replace").strip()
        answer = answer[length:]


def _packet(line: bytes) -> bytes:
    return b"%04x%s" % (len(line) + 4, line)


def _pack(repository: pygit2.Repository, tip: str, there: Iterable[str]) -> bytes:
    """The commits up to `tip` that are not there, with what each of them changed."""
    builder = pygit2.PackBuilder(repository)
    builder.set_threads(1)
    walk = repository.walk(pygit2.Oid(hex=tip))
    for each in {oid for oid in there if oid in repository}:
        if isinstance(repository[each], pygit2.Commit):
            walk.hide(pygit2.Oid(hex=each))
    for commit in walk:
        builder.add(commit.id)
        _add_tree(builder, commit.tree, commit.parents[0].tree if commit.parents else None)
    with TemporaryDirectory() as folder:
        builder.write(folder)
        return next(Path(folder).glob("*.pack")).read_bytes()


def _add_tree(builder: pygit2.PackBuilder, tree: pygit2.Tree, before: pygit2.Tree | None) -> None:
    """A tree and what is new in it."""
    known = {each.name: each for each in before or ()}
    if before is None or tree.id != before.id:
        builder.add(tree.id)
    for each in tree:
        old = known.get(each.name)
        # A submodule's commit is another repository's.
        if (old is not None and old.id == each.id) or isinstance(each, pygit2.Commit):
            continue
        if isinstance(each, pygit2.Tree):
            _add_tree(builder, each, old if isinstance(old, pygit2.Tree) else None)
        else:
            builder.add(each.id)
