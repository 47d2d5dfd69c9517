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

    What ruff reports of a file depends on no other source file. So it runs only on texts that it
    has not seen: an edit that is taken back leaves one that it has. `reader` is asked for once ruff
    has run for the first time.
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
        # Each by path and text.
        self._reported: dict[tuple[str, str], list[Diagnostic]] = {}
        self._findings: dict[tuple[str, str], list[FixableFinding]] = {}
        self._formatted: dict[tuple[str, str], str] = {}

    def write(self, files: Mapping[str, str]) -> None:
        """Replace the texts of these files."""
        self._ruff.write({p: text for p, text in files.items() if text != self._files.get(p)})
        self._files.update(files)

    def find(self, rules: Collection[str]) -> list[FixableFinding]:
        """Return the findings of these rules that the target wants, by path and line."""
        codes = [each.partition(":")[2] for each in rules if each in self._wanted]
        if not codes:
            return []
        if codes != self._codes:
            self._codes = codes
            self._reported.clear()
            self._findings.clear()
        self._check(self._files)
        self._reader = self._reader or self._make_reader(self._ruff)
        for path, text in self._files.items():
            if (path, text) not in self._findings:
                found = self._reader.read(self._reported[path, text], {path: text})
                self._findings[path, text] = found
        return [each for version in sorted(self._files.items()) for each in self._findings[version]]

    def parses(self, path: str) -> bool:
        """Return whether ruff finds no syntax error in a file."""
        self._check([path])
        return all(e.code != SYNTAX_ERROR for e in self._reported[path, self._files[path]])

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
        files = self._files
        unseen = [each for each in paths if (each, files[each]) not in self._reported]
        if not unseen:
            return
        # What a target excludes is not looked at; what it does not include is, where it is named.
        named = EVERYTHING if len(unseen) == len(files) else unseen
        found = self._ruff.check(self._codes, named)
        reported: dict[str, list[Diagnostic]] = {path: [] for path in unseen}
        for each in found:
            if each.path in reported:
                reported[each.path].append(each)
        self._reported |= {(path, files[path]): each for path, each in reported.items()}
