"""The repair of one component: one rule after another, and each proposal stands on the last.

A proposal fixes findings of the commit it began with. What its fixes make possible belongs to it,
and otherwise is left for another wave, so that no proposal rests on a finding of another one.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from services.agents.domain.formatting import Formatted, format_where_changed
from services.agents.domain.proposals import propose
from services.agents.domain.stages import STAGES, CheckEdit, Stage, shown_findings
from shared.agent_types import Fixer, Proposal
from shared.behaviour import FixClass
from shared.contracts.documents.findings import Finding
from shared.detectors.comparison import FileComparison, FileFindings, compare
from shared.detectors.ports import Change, FixableFinding, Workspace

log = structlog.get_logger(__name__)

# A fix may make room for another one of its rule (an `else` after another `else`).
MAX_PASSES_PER_RULE = 12
MAX_ROUNDS = 4


@dataclass
class _Step:
    """The fixes of one rule in one stage, on texts with these findings before it.

    `fixed` are findings by fingerprint, `followed` the rules of findings that it made possible and
    fixed as well.
    """

    rule: str
    stage: Stage
    round_number: int
    before: Mapping[str, str]
    found: Sequence[FixableFinding]
    fixed: dict[str, Finding] = field(default_factory=dict)
    followed: set[str] = field(default_factory=set)

    def fixed_in(self, path: str) -> list[Finding]:
        """Return the findings of one file that are fixed."""
        return [each for each in self.fixed.values() if each.path == path]


@dataclass
class ComponentRepair:
    """The repair of one component; `files` are its texts with all fixes so far.

    `check` says what an edit does to behaviour. `left_alone` are the fingerprints of findings that
    are not to be fixed: those excluded from the start, and those that a proposal left behind.
    """

    component: str
    left_alone: frozenset[str]
    fixers: Mapping[str, Fixer]
    workspace: Workspace
    files: dict[str, str]
    check: CheckEdit
    proposals: list[Proposal] = field(default_factory=list)
    _known: list[FixableFinding] | None = None

    def run(self) -> None:
        """Apply the fixes of every rule, stage by stage, again until nothing more is found.

        Stops after `MAX_ROUNDS` rounds in any case.
        """
        for round_number in range(1, MAX_ROUNDS + 1):
            before = len(self.proposals)
            for stage in STAGES:
                for rule in self._open_rules(stage):
                    self._fix(rule, stage, round_number)
            if len(self.proposals) == before:
                return
        log.info("rules_engine_stopped", component=self.component, rounds=MAX_ROUNDS)

    def _found(self) -> list[FixableFinding]:
        """Return the findings of all rules in the texts as they are now."""
        if self._known is None:
            found = self.workspace.find(tuple(self.fixers))
            self._known = [each for each in found if each.finding.path in self.files]
        return self._known

    def _write(self, files: Mapping[str, str]) -> None:
        """Write these texts to the workspace, so that findings have to be looked for again."""
        self.workspace.write(files)
        self._known = None

    def _open_rules(self, stage: Stage) -> list[str]:
        """Return the rules that have something to fix in a stage, in the order of their fixers."""
        rules = [rule for rule, fixer in self.fixers.items() if stage.includes(fixer)]
        found = {each.finding.rule for each in self._fixable(rules, stage)}
        return [rule for rule in rules if rule in found]

    def _fixable(self, rules: Collection[str], stage: Stage) -> list[FixableFinding]:
        """Return the findings of these rules that this stage takes and that may be fixed."""
        return [
            each
            for each in self._found()
            if each.finding.rule in rules
            and each.finding.fixable in stage.fixable
            and each.finding.fingerprint not in self.left_alone
        ]

    def _fix(self, rule: str, stage: Stage, round_number: int) -> None:
        """Fix all findings of one rule that belong to a stage, and propose the outcome."""
        step = _Step(rule, stage, round_number, dict(self.files), self._found())
        given_up: set[str] = set()
        for _ in range(MAX_PASSES_PER_RULE):
            found = self._fixable([rule], stage)
            found = [each for each in found if each.finding.path not in given_up]
            if not found:
                break
            given_up |= self._pass(step, found)
        self._follow_up(step)
        self._take_back_what_is_half_done(step)
        self._format(step.before)
        self._take_back_what_is_worse(step)
        self._propose(step)
        self._leave_alone_what_is_new(step)

    def _changes(self, step: _Step) -> dict[str, Change]:
        """Return the texts that a step has changed, by path."""
        before = step.before
        return {p: (before[p], text) for p, text in self.files.items() if text != before[p]}

    def _propose(self, step: _Step) -> None:
        """Add a proposal of what a step changed, with a key unique within the task."""
        changes = self._changes(step)
        if not changes:
            return
        key = step.rule if step.stage.name == "safe" else f"{step.rule}:{step.stage.name}"
        fixer, fixed = self.fixers[step.rule], step.fixed.values()
        only_shown = step.stage.only_shown
        self.proposals += propose(
            key if step.round_number == 1 else f"{key}#{step.round_number}",
            self.component,
            fixer.declaration,
            [each for each in fixed if each.path in changes],
            changes,
            safe=only_shown or all(each.fixable == "safe" for each in fixed),
            shown=self._shown(fixer, changes) if only_shown else (),
            followed=sorted(self.fixers[each].declaration.code for each in step.followed),
            why=fixer.why(),
        )

    def _shown(self, fixer: Fixer, changes: Mapping[str, Change]) -> list[str]:
        """Return the conditions of a rule, by name, that are shown to hold for changes."""
        behaviour = fixer.declaration.behaviour
        shown = (self.check(path, *made, behaviour).shown for path, made in changes.items())
        return sorted(frozenset[str]().union(*shown))

    def _pass(self, step: _Step, found: Sequence[FixableFinding]) -> set[str]:
        """Apply the fixes that go together, and return the paths where none can be applied."""
        fixer, given_up = self.fixers[step.rule], set()
        for path in dict.fromkeys(each.finding.path for each in found):
            mine = [each for each in found if each.finding.path == path]
            old = self.files[path]
            if step.stage.only_shown:
                mine = shown_findings(fixer, old, mine, self.check)
            # All at once, else the first alone: two fixes may together empty a block.
            for some in (mine, mine[:1]):
                new, applied = fixer.fix(old, some)
                if some and new != old and self._accepts(path, new):
                    step.fixed |= {some[n].finding.fingerprint: some[n].finding for n in applied}
                    break
            else:
                given_up.add(path)
        return given_up

    def _accepts(self, path: str, text: str) -> bool:
        """Return whether a text is valid in its language; if so, it is now the file's."""
        self._write({path: text})
        is_valid = self.workspace.parses(path)
        if is_valid:
            self.files[path] = text
        else:
            self._write({path: self.files[path]})
        return is_valid

    def _comparison(self, step: _Step, path: str) -> FileComparison:
        """Compare the findings of one file before a step and now."""
        return FileComparison(step.fixed_in(path), *self._sides(step, path))

    def _sides(self, step: _Step, path: str) -> tuple[FileFindings, FileFindings]:
        """Return one file with its findings before a step, and as it is now."""
        before, now = (
            tuple(each.finding for each in found if each.finding.path == path)
            for found in (step.found, self._found())
        )
        return FileFindings(step.before[path], before), FileFindings(self.files[path], now)

    def _follow_up(self, step: _Step) -> None:
        """Fix what a step made possible, where that keeps behaviour, until nothing more is new."""
        for _ in range(MAX_PASSES_PER_RULE):
            made: dict[tuple[str, str], list[FixableFinding]] = defaultdict(list)
            for path in self._changes(step):
                new = {each.fingerprint for each in self._comparison(step, path).new}
                for each in self._found():
                    if each.finding.path == path and each.finding.fingerprint in new:
                        made[path, each.finding.rule].append(each)
            # Of each file one rule at a time: the findings of others may be elsewhere then.
            by_path = {path: (rule, found) for (path, rule), found in reversed(made.items())}
            done = [self._follow(step, path, *found) for path, found in by_path.items()]
            if not any(done):
                return

    def _follow(self, step: _Step, path: str, rule: str, found: list[FixableFinding]) -> bool:
        """Fix findings of one rule that a step made in one file; return whether any could be."""
        fixer, old = self.fixers[rule], self.files[path]
        fixable = [each for each in found if each.finding.fixable != "no"]
        for some in (fixable, *([each] for each in fixable)):
            new, _ = fixer.fix(old, some)
            keeps = new != old and self._keeps_behaviour(step, fixer, path, new)
            if keeps and self._accepts(path, new):
                step.followed.add(rule)
                return True
        return False

    def _keeps_behaviour(self, step: _Step, fixer: Fixer, path: str, new: str) -> bool:
        """Return whether a follow-up may change nothing, so that no other class is needed for it.

        Together with the step's own fixes it has to be what the step's rule promises.
        """
        own, rule = fixer.declaration.behaviour, self.fixers[step.rule].declaration.behaviour
        if own.kind is not FixClass.PROVEN:
            if own.kind is FixClass.MAY_CHANGE or step.stage.classes == {FixClass.PROVEN}:
                return False
            if self.check(path, self.files[path], new, own).open:
                return False
        return not (step.stage.only_shown and self.check(path, step.before[path], new, rule).open)

    def _take_back_what_is_half_done(self, step: _Step) -> None:
        """Make only those fixes of a step again that leave nothing for another rule to finish."""
        text = self.fixers[step.rule].declaration.half_done
        for path, (before, after) in self._changes(step).items():
            if not text or after.count(text) <= before.count(text):
                continue
            mine = [e for e in step.found if e.finding.fingerprint in step.fixed]
            mine = [each for each in mine if each.finding.path == path]
            whole = [
                e for e in mine if self._remake(step, path, [e]).count(text) <= before.count(text)
            ]
            if self._remake(step, path, whole).count(text) > before.count(text):
                whole = []
                self._remake(step, path, whole)
            done = {each.finding.fingerprint for each in whole}
            for each in step.fixed_in(path):
                if each.fingerprint not in done:
                    del step.fixed[each.fingerprint]

    def _remake(self, step: _Step, path: str, found: Sequence[FixableFinding]) -> str:
        """Return a file as it was before a step with only these fixes, and what follows them."""
        self.files[path] = step.before[path]
        new, _ = self.fixers[step.rule].fix(step.before[path], found)
        if found and self._accepts(path, new):
            self._follow_up(step)
        else:
            self._write({path: self.files[path]})
        return self.files[path]

    def _take_back_what_is_worse(self, step: _Step) -> None:
        """Undo what the gate would refuse, file by file; a later stage may do better."""
        for path in self._changes(step):
            before, now = self._sides(step, path)
            if compare(step.fixed_in(path), {path: before}, {path: now}).broken:
                self.files[path] = step.before[path]
                self._write({path: self.files[path]})

    def _leave_alone_what_is_new(self, step: _Step) -> None:
        """Note what a step left behind, and where what is left alone is now."""
        for path in self._changes(step):
            file = self._comparison(step, path)
            moved = {new for new, old in file.origins.items() if old in self.left_alone}
            self.left_alone |= {*moved, *(each.fingerprint for each in file.new)}

    def _format(self, before: Mapping[str, str]) -> None:
        """Format what differs from `before`, as the target's formatter would."""
        changed = {path: text for path, text in self.files.items() if text != before[path]}
        if not changed:
            return
        old = self.workspace.format({path: before[path] for path in changed})
        new = self.workspace.format(changed)
        for path, text in changed.items():
            self.files[path] = format_where_changed(
                Formatted(before[path], old[path]), Formatted(text, new[path])
            )
        self._write({path: self.files[path] for path in changed})
