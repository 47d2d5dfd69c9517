"""Two thousand trees made by an attacker, a sample of them (all: `make soak`).

None writes a byte outside of the private folders, and each refusal names the entry.
"""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pygit2.enums import ObjectType

from services.validator.mutation.adapters import write_mutated_files
from services.validator.suite.adapters.suite_run import SuiteRun, export_tree
from shared.environments.ports import Environment
from shared.kernel.errors import Rejected
from shared.targets.mirror import Mirror
from shared.targets.tree import GitTree
from shared.targets.writer import FolderWriter
from tests.support.hostile_trees import (
    BLOB,
    FOLDER,
    LINK,
    Entry,
    hostile_repository,
    offending,
    trees,
    write_tree,
)
from tests.support.profiles import a_profile

COUNT = int(os.environ.get("GROUNDSWELL_HOSTILE_TREES", "25"))
FILE = Entry(BLOB, b"x.py", b"1\n")


def snapshot(folder: Path, private: Path) -> dict[str, tuple[int, bytes]]:
    """Everything outside of the private folder: mode, and content or target."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path == private or private in path.parents:
            continue
        mode = path.lstat().st_mode
        content = b"" if path.is_dir() else path.read_bytes()
        found[str(path)] = (mode, content)
    return found


def stays_inside(root: Path) -> bool:
    return all(
        Path(os.path.realpath(each)).is_relative_to(root.resolve()) for each in root.rglob("*")
    )


def is_named(error: Rejected, names: list[bytes]) -> bool:
    return any(repr(os.fsdecode(each))[1:-1] in error.message for each in names)


@pytest.fixture
def world(tmp_path):
    """A folder with a canary on each level around the private folder."""
    private = tmp_path / "1" / "2" / "private"
    private.mkdir(parents=True)
    for each in (tmp_path, tmp_path / "1", tmp_path / "1" / "2"):
        for name in ("canary", "x", "x.py", "a"):
            (each / name).write_text("as it was\n")
    return tmp_path, private


@settings(
    max_examples=COUNT,
    derandomize="GROUNDSWELL_HOSTILE_TREES" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(entries=trees(), base=trees(), fetched=st.integers(0, 4))
def test_no_random_tree_writes_outside_and_each_refusal_names_the_entry(
    world, entries, base, fetched
):
    root, private = world
    shutil.rmtree(private)
    private.mkdir()
    before = snapshot(root, private)
    source = hostile_repository(private / "source.git", entries)
    named = list(offending(entries))
    # Starting git takes most of the time: every fifth tree is fetched too.
    if fetched == 0:
        read_or_refuse(lambda: fetched_tree(private), named)
    tree = read_or_refuse(lambda: GitTree(source, source.revparse_single("main").tree_id), named)
    if tree is not None:
        write_everywhere(tree, base, source, private)
    assert snapshot(root, private) == before


def fetched_tree(private):
    mirror = Mirror(private / "mirror.git")
    mirror.fetch(str(private / "source.git"))
    return mirror.tree(mirror.branch("main"))


def read_or_refuse(read, named):
    """Return the tree; None if it is refused, which it is if and only if there is a reason."""
    if not named:
        return read()
    with pytest.raises(Rejected) as caught:
        read()
    assert is_named(caught.value, named), (caught.value.message, named)
    return None


def write_everywhere(tree, base, source, private):
    """Export as a run does, with a base's protected files, and write mutated files over it."""
    harmless = tuple(each for each in base if not list(offending([each])))
    try:
        other = GitTree(source, write_tree(source, harmless))
    except Rejected:
        other = tree
    environment = Environment("e", private, (), 0.0, cached=True)
    run = SuiteRun(private / "run", a_profile().test, environment, (), ())
    both = {"candidate": tree, "base": other}
    oids = ("candidate", "base")
    export_tree(run, a_profile(), lambda _, oid: both[oid], "", oids)
    assert stays_inside(run.tree)
    write_mutated_files(run.tree, dict.fromkeys(tree.paths(), "x = 1\n"))


@pytest.mark.parametrize("path", ["../x", "/tmp/x", "a/../../x", "a//x", "./x", "x/", "", ".git/x"])
def test_the_writer_refuses_a_path_that_is_not_below_its_root(tmp_path, path):
    with FolderWriter(tmp_path / "root") as writer:
        for method in (writer.create, writer.replace, writer.overwrite):
            with pytest.raises(Rejected, match="is not written"):
                method(path, b"1")
        with pytest.raises(Rejected, match="is not written"):
            writer.link(path, "x")
    assert [each.name for each in tmp_path.iterdir()] == ["root"]


@pytest.mark.parametrize("target", ["..", "../outside"])
def test_the_writer_goes_through_no_link_that_is_there(tmp_path, target):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.py").write_text("as it was")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "a").symlink_to(target)
    (tmp_path / "root" / "x.py").symlink_to("../outside/x.py")
    with FolderWriter(tmp_path / "root") as writer:
        for path in ("a/x.py", "x.py"):
            with pytest.raises(Rejected, match=path):
                writer.create(path, b"1")
            assert not writer.overwrite(path, b"1")
        writer.replace("a/x.py", b"new")
        writer.replace("x.py", b"new")
    assert (tmp_path / "outside" / "x.py").read_text() == "as it was"
    assert not (tmp_path / "root" / "a").is_symlink()
    assert (tmp_path / "root" / "x.py").read_bytes() == b"new"


def exported(tmp_path, *entries):
    repository = hostile_repository(tmp_path / "source.git", entries)
    GitTree(repository, repository.revparse_single("main").tree_id).export(tmp_path / "out")
    return {
        str(each.relative_to(tmp_path / "out")): each.readlink()
        for each in (tmp_path / "out").rglob("*")
        if each.is_symlink()
    }


def link(name, target):
    return Entry(LINK, name.encode(), target.encode())


@pytest.mark.parametrize(
    ("links", "kept"),
    [
        ({"l": "shop/x.py"}, {"l"}),
        ({"l": "missing"}, {"l"}),
        ({"l": "shop/../shop"}, {"l"}),
        ({"l": "/etc/passwd"}, set()),
        ({"l": "../x"}, set()),
        ({"l": "shop/../../x"}, set()),
        # As text it stays inside; but `..` leaves the folder that a link leads to.
        ({"deep": "shop", "l": "deep/../../x"}, {"deep"}),
        ({"top": ".", "l": "top/../x"}, {"top"}),
        ({"out": "..", "l": "out/x"}, set()),
        ({"l": "missing/../x"}, set()),
        ({"l": "l"}, set()),
        ({"l": "m", "m": "l"}, set()),
    ],
)
def test_links_are_made_where_their_targets_stay_inside_by_resolution(tmp_path, links, kept):
    entries = [link(*each) for each in links.items()]
    assert set(exported(tmp_path, *entries, Entry(FOLDER, b"shop", (FILE,)))) == kept


def test_a_tree_that_unfolds_to_billions_of_files_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("shared.targets.tree.MAX_ENTRIES", 200)
    entries: tuple[Entry, ...] = (FILE,)
    for _ in range(3):
        entries = tuple(Entry(FOLDER, f"{n}".encode(), entries) for n in range(10))
    with pytest.raises(Rejected, match="more than 200 entries"):
        exported(tmp_path, *entries)


def test_a_tree_that_is_too_deep_is_refused(tmp_path):
    entries: tuple[Entry, ...] = (FILE,)
    for _ in range(300):
        entries = (Entry(FOLDER, b"d", entries),)
    with pytest.raises(Rejected, match="more than 200 folders deep"):
        exported(tmp_path, *entries)


@pytest.mark.parametrize("url", ["file://", ""])
def test_a_fetch_refuses_an_unsafe_tree_and_names_the_entry(tmp_path, url):
    below = Entry(FOLDER, b"..", (Entry(BLOB, b"victim.py", b"1"),))
    hostile_repository(tmp_path / "source.git", [Entry(FOLDER, b"shop", (below,))])
    mirror = Mirror(tmp_path / "private" / "mirror.git")
    with pytest.raises(Rejected, match=r"'shop/\.\.'") as caught:
        mirror.fetch(f"{url}{tmp_path / 'source.git'}")
    assert caught.value.code == "unsafe_tree"
    assert {each.name for each in (tmp_path / "private").iterdir()} <= {
        "mirror.git",
        "mirror.git.lock",
    }


def test_a_fetch_takes_the_harmless_defects_of_old_history(tmp_path):
    repository = hostile_repository(tmp_path / "source.git", [FILE])
    tree = repository.revparse_single("main").tree
    raw = b"0" + FOLDER + b" old\0" + tree.id.raw  # A mode with a leading zero.
    root = repository.odb.write(ObjectType.TREE, raw)
    who = "a <a@localhost>0 +051800"  # No space before the date, and an odd time zone.
    commit = f"tree {root}\nauthor {who}\ncommitter {who}\n\nx\n".encode()
    made = repository.odb.write(ObjectType.COMMIT, commit)
    repository.references.create("refs/heads/main", made, force=True)
    mirror = Mirror(tmp_path / "mirror.git")
    mirror.fetch(str(tmp_path / "source.git"))
    assert mirror.tree(mirror.branch("main")).files() == ("old/x.py",)
