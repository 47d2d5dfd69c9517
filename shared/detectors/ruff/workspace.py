"""The workspace of the ruff detector: one scratch copy, on which ruff runs again and again."""

from collections.abc import Callable, Collection, Iterable, Mapping

from shared.detectors.findings import rule_id
from shared.detectors.ports import FixableFinding
from shared.detectors.ruff.configuration import TOOL
from shared.detectors.ruff.findings import FindingReader
from shared.detectors.ruff.process import SYNTAX_ERROR, Diagnostic, Ruff

# Any rule will do: a file that cannot be parsed is reported whichever is selected.
CHEAP_RULE = "F632"
EVERYTHING = (".",)


class RuffWorkspace:
    """`Workspace` over one ruff process at a time, for the rules with these `codes`.

    What ruff reports of a file depends on no other source file. So it runs again only on those that
    were written since. `reader` is asked for once ruff has run for the first time.
    """

    def __init__(
        self,
        ruff: Ruff,
        files: Mapping[str, str],
        codes: Collection[str],
        reader: Callable[[Ruff], FindingReader],
    ) -> None:
        self._ruff = ruff
        self._files = dict(files)
        self._wanted = frozenset(rule_id(TOOL, each) for each in codes)
        self._make_reader = reader
        self._reader: FindingReader | None = None
        self._codes = [CHEAP_RULE]
        # By path, of the files that were not written since.
        self._reported: dict[str, list[Diagnostic]] = {}
        self._findings: dict[str, list[FixableFinding]] = {}
        # By path and text: most steps leave a text as the formatter has already seen it.
        self._formatted: dict[tuple[str, str], str] = {}

    def write(self, files: Mapping[str, str]) -> None:
        """Replace the texts of these files."""
        self._files.update(files)
        self._ruff.write(files)
        self._forget(files)

    def find(self, rules: Collection[str]) -> list[FixableFinding]:
        """Return the findings of these rules that the target wants, by path and line."""
        codes = [each.partition(":")[2] for each in rules if each in self._wanted]
        if not codes:
            return []
        if codes != self._codes:
            self._codes = codes
            self._forget(tuple(self._reported))
        self._check(self._files)
        self._reader = self._reader or self._make_reader(self._ruff)
        for path in self._files.keys() - self._findings.keys():
            found = self._reader.read(self._reported[path], {path: self._files[path]})
            self._findings[path] = found
        return [each for path in sorted(self._files) for each in self._findings[path]]

    def parses(self, path: str) -> bool:
        """Return whether ruff finds no syntax error in a file."""
        self._check([path])
        return all(each.code != SYNTAX_ERROR for each in self._reported[path])

    def format(self, files: Mapping[str, str]) -> dict[str, str]:
        """Return these texts as ruff formats them."""
        new = {p: text for p, text in files.items() if (p, text) not in self._formatted}
        if new:
            for path, neat in self._ruff.format(new).items():
                self._formatted[path, new[path]] = neat
            self._ruff.write({path: self._files[path] for path in new})
        return {path: self._formatted[path, text] for path, text in files.items()}

    def _check(self, paths: Iterable[str]) -> None:
        """Have ruff look at those of these files that it has not seen as they are now."""
        unseen = [each for each in paths if each not in self._reported]
        if not unseen:
            return
        # What a target excludes is not looked at; what it does not include is, where it is named.
        named = EVERYTHING if len(unseen) == len(self._files) else unseen
        found = self._ruff.check(self._codes, named)
        self._reported |= {path: [] for path in unseen}
        for each in found:
            if each.path in self._files:
                self._reported[each.path].append(each)

    def _forget(self, paths: Iterable[str]) -> None:
        """Forget what is known of these files."""
        for path in paths:
            self._reported.pop(path, None)
            self._findings.pop(path, None)
