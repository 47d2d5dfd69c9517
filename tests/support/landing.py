"""A target on disk, its mirror, and changes put on its landing branch."""

from dataclasses import dataclass
from pathlib import Path

from services.validator.git.adapters.repository import GitRepository
from services.validator.git.ports import Composition, PushRefusal
from shared.contracts.documents.targets import Target
from shared.targets.mirror import Mirror
from shared.targets.patches import make_patch
from tests.support.builders import NOW, a_target
from tests.support.repositories import a_repository, git


def a_patch(path: str, before: str | None, after: str | None) -> str:
    return make_patch({path: (_bytes(before), _bytes(after))})


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def trailing(identity: str, kind: str = "Enhancement-Id") -> str:
    return f"a change\n\nWhy.\n\n{kind}: {identity}\nWave-Id: w\n"


@dataclass(frozen=True)
class Yard:
    """`place` is the user's repository; `repository` works in a mirror of it."""

    place: Path
    target: Target
    mirror: Mirror
    repository: GitRepository

    def head(self) -> str:
        return self.repository.refresh(self.target).commit

    def compose(self, *patches: tuple[str, str]) -> Composition:
        return self.repository.compose(self.head(), patches)

    def made(self, path: str, before: str | None, after: str | None, identity: str = "e") -> str:
        """A commit with this change on the head, which no branch has yet."""
        head = self.head()
        composed = self.repository.compose(head, [(identity, a_patch(path, before, after))])
        assert not composed.failed, composed.failed
        return self.repository.commit(composed.tree, head, trailing(identity), NOW)

    def publish(self, tip: str, head: str) -> PushRefusal | None:
        return self.repository.publish(self.target, tip, head)

    def land(self, path: str, before: str | None, after: str | None, identity: str = "e") -> str:
        tip = self.made(path, before, after, identity)
        refusal = self.publish(tip, self.head())
        assert refusal is None, refusal
        return tip

    def listing(self, tree: str) -> dict[str, str]:
        """Mode by path."""
        lines = git(self.mirror.path, "ls-tree", "-r", "-z", tree).split("\0")
        return {line.partition("\t")[2]: line.split()[0] for line in lines if line}

    def content(self, tree: str, path: str) -> bytes | None:
        return self.mirror.tree(tree).read(path)


def a_yard(tmp_path: Path, **files: str) -> Yard:
    return a_yard_at(a_repository(tmp_path / "target", **files), tmp_path / "home")


def a_yard_at(place: Path, home: Path) -> Yard:
    root = git(place, "rev-list", "--max-parents=0", "HEAD")
    target = a_target(location=str(place), root_commit=root)
    mirror = Mirror.at(home, target.id)
    return Yard(place, target, mirror, GitRepository(mirror))
