"""Proofs: evidence that a change leaves the compiled program as it is."""

from shared.contracts.base import Value


class Proof(Value):
    """Evidence that a change leaves the program as it is, found without running any of it.

    With and without the change, each of its files compiles to the same code, names included, apart
    from the positions of its lines. That was compared under each of the `interpreters`, such as
    `CPython 3.11.2`. `forms` names the equivalent spellings that were first reduced to one; without
    any, the code is the same as it stands. `files` are the files that were compared.
    """

    files: tuple[str, ...]
    interpreters: tuple[str, ...]
    forms: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """The proof in a sentence for people."""
        where = " and ".join(self.interpreters)
        how = f", once {' and '.join(self.forms)} are spelled alike" if self.forms else ""
        return f"proven: the compiled program is the same under {where}{how}"
