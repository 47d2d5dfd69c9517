"""`groundswell init` and `groundswell example`: files to begin with."""

import os
import shutil
from pathlib import Path

import pygit2

from cli.components import read_checked_out
from cli.console import shown
from cli.text import out
from shared.kernel.errors import Conflict, NotFound, Rejected
from shared.targets.config import FILE
from shared.targets.config_rendering import render_config
from shared.targets.git import git
from shared.targets.owner import foreign_owner
from shared.targets.profile import profile_target
from shared.targets.writer import FolderWriter

EXAMPLE = Path(__file__).parent.parent / "examples" / "shop"


def init(path: str, *, force: bool, show: bool) -> int:
    """Write a groundswell.toml that describes the repository, or print it if `show` is set.

    Returns exit code 0. Raises `Conflict` for an existing file unless `force` is set.
    """
    facts, tree = read_checked_out(path)
    described = profile_target(tree)
    text = render_config(described, facts)
    if show:
        print(text, end="")  # noqa: T201 - to be piped into a file
        return 0
    if pygit2.Repository(facts.location).is_bare:
        raise Rejected(f"{facts.location} is a bare repository.", hint="Use --print.", code="bare")
    file = Path(facts.location) / FILE
    if (file.exists() or file.is_symlink()) and not force:
        raise Conflict(
            f"{file} already exists.",
            hint="Replace it with --force, or print the new one with --print.",
            code="exists",
        )
    # In place of what is there: a link of the repository may lead anywhere.
    with FolderWriter(file.parent) as writer:
        writer.exchange(FILE, text.encode())
    if owner := foreign_owner(file.parent):
        os.chown(file, owner.uid, owner.gid, follow_symlinks=False)
    out.print(f"wrote {shown(str(file))}")
    for note in described.notes:
        out.print(f"  {shown(note)}")
    out.print("It takes effect once it is committed on the base branch.")
    return 0


def example(path: Path, *, keep: bool) -> int:
    """Copy the bundled example and make the copy a git repository; return exit code 0.

    A path that exists is left alone with `keep`; without, it raises `Conflict`.
    """
    if path.exists():
        if keep:
            return 0
        raise Conflict(f"{path} already exists.", hint="Choose another path.", code="exists")
    if not EXAMPLE.is_dir():
        raise NotFound(
            "This installation does not include the example.",
            hint="Clone Groundswell's repository to get it.",
        )
    shutil.copytree(EXAMPLE, path, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    git(path, "init", "--quiet", "--initial-branch=main")
    git(path, "add", "--all")
    author = ("-c", "user.name=Groundswell", "-c", "user.email=groundswell@localhost")
    git(path, *author, "commit", "--quiet", "--message=The shop as it is")
    out.print(f"copied the example to {shown(str(path))}")
    return 0
