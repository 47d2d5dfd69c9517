"""An /etc for commands: copies of what they may read of this machine's, and a few files of our own."""

import hashlib
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from shared.sandbox.toolchain import RESOLVER, configuration

# Users, groups and names are our own, so that they say nothing about the machine.
MADE = tuple((Path(__file__).parent / "etc").iterdir())


def assemble(below: Path) -> Path:
    """An /etc of copies: mounting one directory is quick, mounting twenty files is not.

    Named by its content, so that any number of processes share it and none has to clear it away.
    """
    below.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=below))
    unfinished.chmod(0o755)
    for each in map(Path, configuration()):
        if each.is_dir():
            shutil.copytree(each, unfinished / each.name, symlinks=True, ignore=_closed)
        else:
            shutil.copy(each, unfinished / each.name)
    for each in MADE:
        shutil.copy(each, unfinished / each.name)
    # Where other files are mounted, there must be one.
    for name in (Path(RESOLVER).name, "hostname"):
        (unfinished / name).touch()
    finished = below / f"etc-{_digest(unfinished)}"
    with suppress(OSError):
        unfinished.rename(finished)
    shutil.rmtree(unfinished, ignore_errors=True)
    return finished


def _closed(folder: str, names: list[str]) -> list[str]:
    """What not everybody may read has no place there, such as private keys."""
    modes = ((name, (Path(folder) / name).lstat().st_mode) for name in names)
    return [name for name, mode in modes if not mode & stat.S_IROTH]


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(str(path.relative_to(folder)).encode() + b"\0")
        if path.is_symlink():
            digest.update(str(path.readlink()).encode())
        elif path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
