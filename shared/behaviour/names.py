"""Which names the rest of a repository takes from a module, and what importing a module does."""

from typing import Protocol

from shared.behaviour.loading import Loading


class NamesTaken(Protocol):
    """What is known about the other files of a repository."""

    def taken(self, path: str, name: str) -> str:
        """Return who takes a name from the module at `path`, as a clause; empty if nobody does."""
        ...

    def mentioned(self, path: str, name: str) -> str:
        """Return which other file than `path` may have a name in any way; empty if none has."""
        ...

    def with_word(self, words: frozenset[str]) -> str:
        """Return which Python file has one of these words, as a clause; empty if none has."""
        ...

    def published(self, path: str, name: str) -> str:
        """Return why a name of the module at `path` is public, as a clause; empty if it is not."""
        ...

    def import_effect(self, module: str, level: int, path: str) -> str:
        """Return what else importing a module does, as a clause; empty if nothing.

        `path` is the file that imports `module`, from `level` packages above where it is relative.
        """
        ...

    def defines(self, module: str, level: int, path: str, name: str) -> bool:
        """Return whether a module of the repository itself binds a name, for any importer."""
        ...

    @property
    def loading(self) -> Loading | None:
        """What importing the files of the repository loads; None where that is not known."""
        ...


class UnknownNames:
    """The `NamesTaken` of a repository that was not read: nothing can be shown about it."""

    loading = None

    def taken(self, path: str, name: str) -> str:
        """Return, as a clause, that the takers of the name are not known."""
        return f"who takes `{name}` from {path} is not known"

    def mentioned(self, path: str, name: str) -> str:
        """Return, as a clause, that the other files are not known."""
        return f"whether others than {path} mention `{name}` is not known"

    def with_word(self, words: frozenset[str]) -> str:
        """Return, as a clause, that the other files are not known."""
        return f"whether another file has `{min(words)}` is not known"

    def published(self, path: str, name: str) -> str:
        """Return, as a clause, that it is not known to be private."""
        return f"whether {path} publishes `{name}` is not known"

    def import_effect(self, module: str, level: int, path: str) -> str:
        """Return, as a clause, that the effect of the import is not known."""
        return f"what importing `{'.' * level}{module}` in {path} does is not known"

    def defines(self, *_: object) -> bool:
        """Return False: nothing is known to be defined."""
        return False


UNKNOWN_NAMES = UnknownNames()
