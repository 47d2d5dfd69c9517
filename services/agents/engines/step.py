"""One step of a repair: the fixes of one rule in one stage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.agents.domain.stages import Stage
from shared.contracts.documents.findings import Finding
from shared.detectors.ports import FixableFinding


@dataclass
class Step:
    """The fixes of one rule in one stage, on texts with these findings before it.

    `fixed` are findings by fingerprint, `followed` the paths and rules of findings that it made
    possible and fixed as well.
    """

    rule: str
    stage: Stage
    round_number: int
    before: Mapping[str, str]
    found: Sequence[FixableFinding]
    fixed: dict[str, Finding] = field(default_factory=dict)
    followed: set[tuple[str, str]] = field(default_factory=set)

    def fixed_in(self, path: str) -> list[Finding]:
        """Return the findings of one file that are fixed."""
        return [each for each in self.fixed.values() if each.path == path]

    def found_in(self, path: str) -> list[FixableFinding]:
        """Return the findings of one file before the step that are fixed."""
        mine = [each for each in self.found if each.finding.fingerprint in self.fixed]
        return [each for each in mine if each.finding.path == path]

    def forget(self, path: str) -> None:
        """Take a file for one that nothing was fixed in."""
        self.fixed = {key: each for key, each in self.fixed.items() if each.path != path}
        self.followed = {each for each in self.followed if each[0] != path}
