"""The files of a component under repair, as they are now."""

from collections.abc import Collection, Mapping

from services.agents.domain.formatting import Formatted, format_where_changed
from services.agents.engines.step import Step
from shared.detectors.comparison import FileComparison, FileFindings
from shared.detectors.ports import Change, FixableFinding, Workspace


class RepairedFiles:
    """Texts by path, and what is found in them by some rules; each is in the workspace as well."""

    def __init__(
        self, workspace: Workspace, texts: Mapping[str, str], rules: Collection[str]
    ) -> None:
        self.texts = dict(texts)
        self._workspace = workspace
        self._rules = tuple(rules)
        self._known: list[FixableFinding] | None = None

    def found(self) -> list[FixableFinding]:
        """Return what is found in the texts as they are now."""
        if self._known is None:
            found = self._workspace.find(self._rules)
            self._known = [each for each in found if each.finding.path in self.texts]
        return self._known

    def write(self, texts: Mapping[str, str]) -> None:
        """Replace the texts of these files, so that findings have to be looked for again."""
        self.texts |= texts
        self._workspace.write(texts)
        self._known = None

    def accepts(self, path: str, text: str) -> bool:
        """Return whether a text is valid in its language; if so, it is now the file's."""
        before = self.texts[path]
        self.write({path: text})
        is_valid = self._workspace.parses(path)
        if not is_valid:
            self.write({path: before})
        return is_valid

    def changes(self, before: Mapping[str, str]) -> dict[str, Change]:
        """Return the texts that are no longer as before, by path."""
        return {p: (before[p], text) for p, text in self.texts.items() if text != before[p]}

    def format(self, before: Mapping[str, str]) -> None:
        """Format what differs from `before`, as the target's formatter would."""
        if changes := self.changes(before):
            self.write(self.formatted(changes))

    def formatted(self, changes: Mapping[str, Change]) -> dict[str, str]:
        """Return the texts after changes, formatted where they differ from those before."""
        old = self._workspace.format({path: before for path, (before, _) in changes.items()})
        new = self._workspace.format({path: after for path, (_, after) in changes.items()})
        return {
            path: format_where_changed(Formatted(before, old[path]), Formatted(after, new[path]))
            for path, (before, after) in changes.items()
        }

    def sides(self, step: Step, path: str) -> tuple[FileFindings, FileFindings]:
        """Return one file with its findings before a step, and as it is now."""
        before, now = (
            tuple(each.finding for each in found if each.finding.path == path)
            for found in (step.found, self.found())
        )
        return FileFindings(step.before[path], before), FileFindings(self.texts[path], now)

    def comparison(self, step: Step, path: str) -> FileComparison:
        """Compare the findings of one file before a step and now."""
        return FileComparison(step.fixed_in(path), *self.sides(step, path))
