"""What a set-up leaves in its tree is in every exported tree, and nothing else is written."""

import io
import tarfile
from pathlib import Path

from shared.environments.generated import has_compiled_modules, unpack_generated


def an_archive(path: Path, *members: tuple[str, bytes, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.size = kind, len(content)
            member.linkname = "/etc/passwd" if kind == tarfile.SYMTYPE else ""
            archive.addfile(member, io.BytesIO(content))
    return path


def test_generated_files_are_added_and_the_trees_own_are_kept(tmp_path: Path):
    tree = tmp_path / "tree"
    (tree / "pkg").mkdir(parents=True)
    (tree / "pkg/own.py").write_text("own")
    archive = an_archive(
        tmp_path / "a.tar",
        ("pkg/_version.py", tarfile.REGTYPE, b"made"),
        ("pkg/own.py", tarfile.REGTYPE, b"made"),
        ("new/_c.cpython-311.so", tarfile.REGTYPE, b"made"),
    )
    unpack_generated(archive, tree)
    assert (tree / "pkg/_version.py").read_text() == "made"
    assert (tree / "pkg/own.py").read_text() == "own"
    assert (tree / "new/_c.cpython-311.so").exists()
    assert has_compiled_modules(archive)
    assert not has_compiled_modules(None)


def test_a_hostile_archive_writes_nothing_outside_of_the_tree(tmp_path: Path):
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    tree.mkdir()
    outside.mkdir()
    (tree / "out").symlink_to(outside)
    archive = an_archive(
        tmp_path / "a.tar",
        ("../up.py", tarfile.REGTYPE, b"x"),
        (f"{outside}/absolute.py", tarfile.REGTYPE, b"x"),
        ("out/through.py", tarfile.REGTYPE, b"x"),
        ("out/deeper/through.py", tarfile.REGTYPE, b"x"),
        (".git/hooks/post-checkout", tarfile.REGTYPE, b"x"),
        ("link.py", tarfile.SYMTYPE, b""),
    )
    unpack_generated(archive, tree)
    assert list(outside.iterdir()) == []
    assert sorted(each.name for each in tree.iterdir()) == ["out"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.tar", "outside", "tree"]
