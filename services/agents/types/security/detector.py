"""The detector of weaknesses: ruff's security rules, each judged by the code around it."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from services.agents.types.security.bandit import BanditChoices, is_nosec, read_bandit
from services.agents.types.security.code import python_code
from services.agents.types.security.facts import read_facts
from services.agents.types.security.hard_coded import SECRET_CODES, is_secret, masked
from services.agents.types.security.plain_advice import ADVICE_JUDGES
from services.agents.types.security.rule import (
    DISMISSED,
    Judgement,
    Spot,
    TargetFacts,
    WeaknessRule,
)
from services.agents.types.security.section import SECTION, rule_choice
from shared.behaviour import FixClass
from shared.contracts.base import Severity
from shared.detectors.ports import FixableFinding, Source
from shared.detectors.ruff import RuffDetector
from shared.detectors.ruff.findings import FindingReader
from shared.detectors.ruff.process import Diagnostic, Ruff
from shared.detectors.texts import split_lines

# Counted up with each change of how findings are judged.
JUDGING = 2
MAX_TEXT_CHARACTERS = 1_000_000
MAX_REMEMBERED_TEXTS = 16
MORE_LINES = 4


@dataclass(frozen=True)
class WeaknessReader(FindingReader):
    """Makes findings of what ruff reports, where a rule of ours sees a problem in the code.

    Fixes are those of the rules. The text of a line with a secret takes no part in fingerprints.
    """

    rules: Mapping[str, WeaknessRule] = field(default_factory=dict)
    facts: TargetFacts = field(default_factory=TargetFacts)
    bandit: BanditChoices = field(default_factory=BanditChoices)

    def read(self, found: Sequence[Diagnostic], files: Mapping[str, str]) -> list[FixableFinding]:
        """Return the findings in these files, by path and line."""
        judged = [made for each in found if (made := self._judged(each, files)) is not None]
        secrets = [each for each in judged if each.code in SECRET_CODES]
        others = [each for each in judged if each.code not in SECRET_CODES]
        wanted = [each for each in secrets if self._is_wanted(each, files[each.path])]
        rows = {path: {e.row for e in wanted if e.path == path} for path in files}
        hidden = {path: masked(files[path], each) for path, each in rows.items() if each}
        read = [*super().read(others, files), *super().read(wanted, hidden)]
        return sorted(read, key=lambda each: (each.finding.path, each.finding.line))

    def _judged(self, found: Diagnostic, files: Mapping[str, str]) -> Diagnostic | None:
        """Return a diagnostic with our fix, if there is one; None where it is no problem."""
        text = files.get(found.path)
        if text is None or found.code not in self.severities:
            return None if text is None else found
        if self.bandit.leave_out(found.path, found.code) or self._is_nosec(found, text):
            return None
        plain = replace(found, edits=(), applicability="")
        if found.code in SECRET_CODES:
            return plain if is_secret(found, text) else None
        judgement = self._judgement(found, text)
        if judgement is None or not judgement.is_problem:
            return None if judgement is not None else plain
        safety = self._safety(found.code)
        return replace(
            plain, edits=judgement.edits, applicability=safety if judgement.edits else ""
        )

    def _safety(self, code: str) -> str:
        """Return whether the fix of a rule may be shown to keep behaviour, in ruff's words."""
        rule = self.rules.get(code)
        is_open = rule is None or rule.declaration.behaviour.kind is FixClass.MAY_CHANGE
        return "unsafe" if is_open else "safe"

    def _judgement(self, found: Diagnostic, text: str) -> Judgement | None:
        """Return what the rule says; None without one, and for code that is not understood."""
        rule = self.rules.get(found.code)
        if rule is not None and rule.words:
            # Of an assertion ruff reports the first word only.
            near = replace(found, end_row=found.end_row + MORE_LINES)
            if not rule.words.search(_lines_of(near, text)):
                return DISMISSED
        judge = ADVICE_JUDGES.get(found.code) if rule is None else rule.judge
        code = python_code(text) if judge and len(text) <= MAX_TEXT_CHARACTERS else None
        if code is None or judge is None:
            return None
        try:
            return judge(Spot(code, found, replace(self.facts, path=found.path)))
        except RecursionError:
            return None

    def _is_nosec(self, found: Diagnostic, text: str) -> bool:
        """Return whether a comment on the lines of a finding tells bandit to be silent."""
        if "nosec" not in text:
            return False
        lines = _lines_of(found, text).split("\n")
        return any(is_nosec(each, found.code) for each in lines)


def _lines_of(found: Diagnostic, text: str) -> str:
    """Return the lines of a finding."""
    return "".join(_split(text)[found.row - 1 : found.end_row])


@lru_cache(maxsize=MAX_REMEMBERED_TEXTS)
def _split(text: str) -> list[str]:
    """Return the lines of a text, from a cache."""
    return split_lines(text)


class WeaknessDetector(RuffDetector):
    """Finds weaknesses by ruff, and fixes of them by the rules of this agent type."""

    name = "weaknesses"

    def __init__(
        self, scratch: Path, rules: Sequence[WeaknessRule], advice: Mapping[str, Severity]
    ) -> None:
        declared = {each.declaration.code: each.declaration.severity for each in rules}
        super().__init__(scratch, {**declared, **advice}, rule_choice, SECTION)
        self._rules = {each.declaration.code: each for each in rules}

    @property
    def version(self) -> str:
        """The version of ruff with its selection, of libcst, and of how findings are judged."""
        return f"{super().version}-libcst-{importlib.metadata.version('libcst')}-{JUDGING}"

    def reader(self, source: Source, ruff: Ruff) -> WeaknessReader:
        """Return what makes findings of what ruff reports."""
        plain = super().reader(source, ruff)
        return WeaknessReader(
            plain.source,
            plain.severities,
            plain.choices,
            rules=self._rules,
            facts=read_facts(source),
            bandit=read_bandit(source.tree),
        )
