"""The rules engine over ruff: one proposal per rule and safety, each on top of those before it."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from services.agents.adapters.explanations import why
from services.agents.domain.edits import apply_fixes, format_where_changed
from services.agents.domain.proposals import Proposal, propose
from shared.contracts.documents.findings import Finding
from shared.detectors.by_ruff import as_findings
from shared.detectors.ports import Source
from shared.detectors.ruff import (
    SYNTAX_ERROR,
    Diagnostic,
    Ruff,
    sources,
    wanted_rules,
    workshop,
)
from shared.detectors.rules import SEVERITIES

log = structlog.get_logger(__name__)

# A fix may make room for another one (an unused import behind an unused variable).
PASSES = 12
ROUNDS = 4
# Ruff counts columns without it.
BOM = "\ufeff"


class RulesEngine:
    """The `Engine` port."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch

    async def propose(
        self, source: Source, component: str, exclude: Sequence[str]
    ) -> list[Proposal]:
        """Proposals for a component, until nothing that may be fixed is left."""
        return await asyncio.to_thread(self._propose, source, component, frozenset(exclude))

    def _propose(self, source: Source, component: str, exclude: frozenset[str]) -> list[Proposal]:
        files = {path: text for path, text in sources(source, component).items() if text[:1] != BOM}
        if not files:
            return []
        with workshop(source, files, self._scratch) as ruff:
            bench = Bench(source, component, exclude, ruff, files)
            bench.work()
            return bench.proposals


@dataclass
class Bench:
    """One component while it is worked on. `files` are its texts as they are by now."""

    source: Source
    component: str
    exclude: frozenset[str]
    ruff: Ruff
    files: dict[str, str]
    proposals: list[Proposal] = field(default_factory=list)

    def work(self) -> None:
        """Safe fixes of every rule first, then the unsafe ones; again while something new shows."""
        rules = wanted_rules(self.source)
        if not rules:
            return
        for turn in range(1, ROUNDS + 1):
            before = len(self.proposals)
            for safety in ("safe", "unsafe"):
                for rule in self._open(rules, safety):
                    self._fix(rule, safety, turn)
            if len(self.proposals) == before:
                return
        log.info("rules_engine_stopped", component=self.component, rounds=ROUNDS)

    def _open(self, rules: Collection[str], safety: str) -> list[str]:
        """The rules with something to fix, in the roster's order."""
        found = {finding.rule for _, finding in self._fixable(rules, safety)}
        return [rule for rule in SEVERITIES if rule in found]

    def _fixable(self, rules: Collection[str], safety: str) -> list[tuple[Diagnostic, Finding]]:
        found = [each for each in self.ruff.check(rules) if each.path in self.files]
        findings = as_findings(found, self.files, self.source)
        return [
            (diagnostic, finding)
            for diagnostic, finding in zip(found, findings, strict=True)
            if finding.fixable == safety and finding.fingerprint not in self.exclude
        ]

    def _fix(self, rule: str, safety: str, turn: int) -> None:
        """Fix all of one rule, and propose what came of it."""
        before = dict(self.files)
        fixed: dict[str, Finding] = {}
        given_up: set[str] = set()
        for _ in range(PASSES):
            pairs = self._fixable([rule], safety)
            pairs = [each for each in pairs if each[0].path not in given_up]
            if not pairs:
                break
            given_up |= self._pass(pairs, fixed)
        self._format(before)
        changes = {
            path: (before[path], text) for path, text in self.files.items() if text != before[path]
        }
        if changes:
            key = rule if safety == "safe" else f"{rule}:unsafe"
            self.proposals += propose(
                key if turn == 1 else f"{key}#{turn}",
                self.component,
                rule,
                [each for each in fixed.values() if each.path in changes],
                changes,
                safe=safety == "safe",
                why=why(rule),
            )

    def _pass(self, pairs: list[tuple[Diagnostic, Finding]], fixed: dict[str, Finding]) -> set[str]:
        """Apply what can be applied at once; the files that are given up."""
        given_up = set()
        for path in {diagnostic.path for diagnostic, _ in pairs}:
            mine = [each for each in pairs if each[0].path == path]
            old = self.files[path]
            # All at once, else the first alone: two fixes may together empty a block.
            for some in (mine, mine[:1]):
                new, applied = apply_fixes(old, [each[0].fix for each in some])
                if new != old and self._parses(path, new):
                    self.files[path] = new
                    fixed |= {some[n][1].fingerprint: some[n][1] for n in applied}
                    break
            else:
                self.ruff.write({path: old})
                given_up.add(path)
        return given_up

    def _parses(self, path: str, text: str) -> bool:
        self.ruff.write({path: text})
        found = self.ruff.check(["F632"], [path])
        return all(each.rule != SYNTAX_ERROR for each in found)

    def _format(self, before: dict[str, str]) -> None:
        """The formatter's word, on the changed lines only."""
        changed = {path: text for path, text in self.files.items() if text != before[path]}
        if not changed:
            return
        neat = self.ruff.format(changed)
        for path, text in changed.items():
            self.files[path] = format_where_changed(before[path], text, neat[path])
        self.ruff.write({path: self.files[path] for path in changed})
