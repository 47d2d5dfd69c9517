"""What a maintainer would send back of the fixes of one rule."""

from collections.abc import Callable, Mapping

from services.agents.domain.objections import (
    has_outdated_comment,
    has_overlong_line,
    written_lines,
)
from services.agents.domain.stages import CheckEdit
from services.agents.engines.files import RepairedFiles
from services.agents.engines.step import Step
from shared.agent_types import Fixer
from shared.behaviour import FixClass
from shared.contracts.documents.findings import Finding
from shared.detectors.ports import FixableFinding

# (path) -> how many columns the lines of a file may have; None where nothing says so.
LineLength = Callable[[str], int | None]


class Review:
    """Looks at what a step did to files as their maintainer would."""

    def __init__(
        self,
        fixers: Mapping[str, Fixer],
        files: RepairedFiles,
        check: CheckEdit,
        line_length: LineLength,
    ) -> None:
        self._fixers = fixers
        self._files = files
        self._check = check
        self._line_length = line_length

    def objects_to(self, step: Step, path: str) -> bool:
        """Return whether a maintainer would send back what a step did to a file.

        That is work left for another rule, a comment on what is gone, or a line that is too long.
        """
        before, after = step.before[path], self._files.texts[path]
        rest = self._fixers[step.rule].declaration.half_done
        return (
            (bool(rest) and after.count(rest) > before.count(rest))
            or has_outdated_comment(before, after)
            or self._has_overlong_line(step, path)
            or self._leaves_work(step, path)
        )

    def _has_overlong_line(self, step: Step, path: str) -> bool:
        """Return whether a line is too long, also once the target's formatter wrapped it."""
        before, after, limit = step.before[path], self._files.texts[path], self._line_length(path)
        if limit is None or not has_overlong_line(before, after, limit):
            return False
        formatted = self._files.formatted({path: (before, after)})[path]
        return has_overlong_line(before, formatted, limit)

    def _leaves_work(self, step: Step, path: str) -> bool:
        """Return whether a line that a step wrote has what another rule would fix by itself."""
        new = {each.fingerprint for each in self._files.comparison(step, path).new}
        written = written_lines(step.before[path], self._files.texts[path])
        return any(
            each.finding.fingerprint in new
            and each.finding.rule != step.rule
            and not written.isdisjoint(_rows(each.finding))
            and self._would_land(each)
            for each in self._files.found()
            if each.finding.path == path
        )

    def _would_land(self, found: FixableFinding) -> bool:
        """Return whether a fix would be proposed and needs no person."""
        path, fixer = found.finding.path, self._fixers[found.finding.rule]
        behaviour, old = fixer.declaration.behaviour, self._files.texts[path]
        if found.finding.fixable == "no" or behaviour.kind is FixClass.MAY_CHANGE:
            return False
        if behaviour.kind is FixClass.PROVEN:
            return True
        new, _ = fixer.fix(old, [found])
        return new != old and not self._check(path, old, new, behaviour).open


def _rows(found: Finding) -> range:
    """Return the lines that a finding is about."""
    return range(found.line, max(found.line, found.end_line or 0) + 1)
