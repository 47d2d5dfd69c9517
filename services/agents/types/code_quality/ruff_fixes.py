"""The fixers over ruff's own fixes, from the tables ruff_fixes.toml and ruff_behaviour.toml."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

from shared.agent_types import FixBehaviour, FixerDeclaration, Priors, ToolFixer
from shared.contracts.base import Severity
from shared.detectors.findings import rule_id
from shared.detectors.ports import FixableFinding
from shared.detectors.ruff.configuration import TOOL
from shared.detectors.ruff.documentation import why_bad
from shared.detectors.texts import Edits

# Ruff unpacks the operands of an addition as they are.
UNPACKED = "RUF005"
COPIED = re.compile(r"\*(?:list|tuple)\(([\w.]+(?:\[\w+\])*)\)")
TABLE, BEHAVIOUR_TABLE = "ruff_fixes.toml", "ruff_behaviour.toml"


@dataclass(frozen=True)
class RuffFixer(ToolFixer):
    """Applies ruff's fix of one rule; `reason` is given where ruff's own says what, but not why."""

    reason: str = ""

    def why(self) -> str:
        """Return why breaking the rule is bad, in ruff's own words where they say that."""
        return self.reason or why_bad(self.declaration.code)

    def fix(self, text: str, found: Sequence[FixableFinding]) -> tuple[str, tuple[int, ...]]:
        """Apply edits that do not overlap; return the text and the indices of those findings."""
        if self.declaration.code == UNPACKED:
            found = [replace(each, edits=_without_copies(each.edits)) for each in found]
        return super().fix(text, found)


def _without_copies(edits: Edits) -> Edits:
    """Return edits that unpack what is copied in them: `*x` in place of `*list(x)`."""
    return tuple(replace(each, content=COPIED.sub(r"*\1", each.content)) for each in edits)


def read_fixers(priors: Priors) -> tuple[RuffFixer, ...]:
    """Return the fixers in the order in which they are applied; `priors` where a row has none."""
    behaviour = _read(BEHAVIOUR_TABLE)
    return tuple(
        RuffFixer(_declaration(row, behaviour[row["code"]], priors), row.get("why", ""))
        for row in _read(TABLE)["fixes"]
    )


def read_oldest_pythons() -> dict[str, tuple[int, int]]:
    """Return the oldest Python, by code, for which a fix is right; for most it is any."""
    needs = {row["code"]: row["python"] for row in _read(TABLE)["fixes"] if "python" in row}
    return {code: _version(text) for code, text in needs.items()}


def _version(text: str) -> tuple[int, int]:
    """Return a version such as `3.6` as numbers."""
    major, minor = text.split(".")
    return int(major), int(minor)


def _read(table: str) -> dict[str, Any]:
    """Return one of the TOML tables that are packaged with this module."""
    return tomllib.loads((files(__package__) / table).read_text())


def _declaration(
    row: Mapping[str, Any], behaviour: Mapping[str, Any], priors: Priors
) -> FixerDeclaration:
    """Return the declaration of one fix, from its rows in the two tables."""
    code, severity = row["code"], Severity(row["severity"])
    return FixerDeclaration(
        rule=rule_id(TOOL, code),
        phrase=row["phrase"],
        severity=severity,
        commit_type=_commit_type(code, severity),
        priors=Priors(row.get("prior", priors.safe), row.get("prior_unsafe", priors.unsafe)),
        behaviour=FixBehaviour(
            behaviour["may_change"],
            tuple(behaviour.get("unless", ())),
            behaviour.get("proven", ""),
            beyond_program=behaviour.get("beyond_program", False),
        ),
        half_done=row.get("half_done", ""),
    )


def _commit_type(code: str, severity: Severity) -> str:
    """Return Conventional Commits' type of a fix of that rule."""
    if severity is Severity.ERROR:
        return "fix"
    return "perf" if code.startswith("PERF") else "refactor"
