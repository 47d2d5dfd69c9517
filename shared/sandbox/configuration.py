"""The /etc of sandboxed commands: copies of some files of this machine, and a few files of ours."""

import hashlib
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from shared.sandbox.toolchain import RESOLVER, etc_paths

# Users, groups and host names are our own, so that they disclose nothing about the machine.
OWN_FILES = tuple((Path(__file__).parent / "etc").iterdir())


def assemble_etc(below: Path) -> Path:
    """Create an /etc for commands as a directory below `below`, and return it.

    It consists of copies, because mounting one directory is faster than mounting twenty files. Its
    name is the digest of its content, so that processes share it and none has to remove it.
    """
    below.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=below))
    unfinished.chmod(0o755)
    for each in map(Path, etc_paths()):
        if each.is_dir():
            shutil.copytree(each, unfinished / each.name, symlinks=True, ignore=_private_names)
        else:
            shutil.copy(each, unfinished / each.name)
    for each in OWN_FILES:
        shutil.copy(each, unfinished / each.name)
    # A tier mounts files over these two, for which they must exist.
    for name in (Path(RESOLVER).name, "hostname"):
        (unfinished / name).touch()
    finished = below / f"etc-{_digest(unfinished)}"
    with suppress(OSError):
        unfinished.rename(finished)
    shutil.rmtree(unfinished, ignore_errors=True)
    return finished


def _private_names(folder: str, names: list[str]) -> list[str]:
    """Return the names of files that not every user may read, such as private keys."""
    modes = ((name, (Path(folder) / name).lstat().st_mode) for name in names)
    return [name for name, mode in modes if not mode & stat.S_IROTH]


def _digest(folder: Path) -> str:
    """Return a digest of the names and contents of all files below `folder`."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(str(path.relative_to(folder)).encode() + b"\0")
        if path.is_symlink():
            digest.update(str(path.readlink()).encode())
        elif path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
