"""The fixers over ruff's own fixes, from the table in ruff_fixes.toml."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from shared.agent_types import BehaviourChange, FixerDeclaration, Priors, ToolFixer
from shared.contracts.base import Severity
from shared.detectors.findings import rule_id
from shared.detectors.ruff.detector import TOOL
from shared.detectors.ruff.documentation import why_bad

TABLE = "ruff_fixes.toml"


@dataclass(frozen=True)
class RuffFixer(ToolFixer):
    """Applies ruff's fix of one rule."""

    def why(self) -> str:
        return why_bad(self.declaration.code)


def read_fixers(priors: Priors) -> tuple[RuffFixer, ...]:
    """Return the fixers in the order in which they are applied; `priors` where a row has none."""
    table = tomllib.loads((files(__package__) / TABLE).read_text())
    return tuple(RuffFixer(_declaration(row, priors)) for row in table["fixes"])


def _declaration(row: Mapping[str, Any], priors: Priors) -> FixerDeclaration:
    code, severity = row["code"], Severity(row["severity"])
    may_change = row.get("may_change")
    return FixerDeclaration(
        rule=rule_id(TOOL, code),
        phrase=row["phrase"],
        severity=severity,
        commit_type=_commit_type(code, severity),
        priors=Priors(row.get("prior", priors.safe), row.get("prior_unsafe", priors.unsafe)),
        may_change=None if may_change is None else tuple(map(_behaviour, may_change)),
    )


def _behaviour(row: Mapping[str, Any]) -> BehaviourChange:
    return BehaviourChange(row["what"], tuple(row.get("unless", ())))


def _commit_type(code: str, severity: Severity) -> str:
    """Return Conventional Commits' type of a fix of that rule."""
    if severity is Severity.ERROR:
        return "fix"
    return "perf" if code.startswith("PERF") else "refactor"
