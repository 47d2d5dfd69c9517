"""The repair of one component: one rule after another, and each proposal stands on the last.

A proposal fixes findings of the commit it began with. What its fixes make possible belongs to it,
and otherwise is left for another wave, so that no proposal rests on a finding of another one.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

import structlog

from services.agents.domain.proposals import propose
from services.agents.domain.stages import STAGES, CheckEdit, Stage, shown_findings
from services.agents.engines.files import RepairedFiles
from services.agents.engines.review import LineLength, Review
from services.agents.engines.step import Step
from shared.agent_types import Fixer, Proposal
from shared.behaviour import FixClass
from shared.detectors.comparison import compare
from shared.detectors.ports import Change, FixableFinding

log = structlog.get_logger(__name__)

# A fix may make room for another one of its rule (an `else` after another `else`).
MAX_PASSES_PER_RULE = 12
MAX_ROUNDS = 4


class ComponentRepair:
    """The repair of one component, whose `files` then have all fixes that are in `proposals`.

    `left_alone` are the fingerprints of findings that are not to be fixed: those excluded from the
    start, and those that a proposal left behind. `check` says what an edit does to behaviour.
    """

    def __init__(
        self,
        component: str,
        left_alone: frozenset[str],
        fixers: Mapping[str, Fixer],
        files: RepairedFiles,
        *,
        check: CheckEdit,
        line_length: LineLength,
    ) -> None:
        self.proposals: list[Proposal] = []
        self._component = component
        self._left_alone = left_alone
        self._fixers = fixers
        self._files = files
        self._check = check
        self._review = Review(fixers, files, check, line_length)

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
        log.info("rules_engine_stopped", component=self._component, rounds=MAX_ROUNDS)

    def _open_rules(self, stage: Stage) -> list[str]:
        """Return the rules that have something to fix in a stage, in the order of their fixers."""
        rules = [rule for rule, fixer in self._fixers.items() if stage.includes(fixer)]
        found = {each.finding.rule for each in self._fixable(rules, stage)}
        return [rule for rule in rules if rule in found]

    def _fixable(self, rules: Collection[str], stage: Stage) -> list[FixableFinding]:
        """Return the findings of these rules that this stage takes and that may be fixed."""
        return [
            each
            for each in self._files.found()
            if each.finding.rule in rules
            and each.finding.fixable in stage.fixable
            and each.finding.fingerprint not in self._left_alone
        ]

    def _fix(self, rule: str, stage: Stage, round_number: int) -> None:
        """Fix all findings of one rule that belong to a stage, and propose the outcome."""
        step = Step(rule, stage, round_number, dict(self._files.texts), self._files.found())
        self._fix_again_and_again(step, lambda _: True)
        for path in self._files.changes(step.before):
            if self._review.objects_to(step, path):
                self._take_back_what_is_unwelcome(step, path)
        self._files.format(step.before)
        self._take_back_what_is_worse(step)
        self._propose(step)
        self._leave_alone_what_is_new(step)

    def _fix_again_and_again(self, step: Step, wanted: Callable[[FixableFinding], bool]) -> None:
        """Fix the findings of a step that are `wanted`, and what that makes possible."""
        given_up: set[str] = set()
        for _ in range(MAX_PASSES_PER_RULE):
            found = [each for each in self._fixable([step.rule], step.stage) if wanted(each)]
            found = [each for each in found if each.finding.path not in given_up]
            if not found:
                break
            given_up |= self._pass(step, found)
        self._follow_up(step)

    def _propose(self, step: Step) -> None:
        """Add a proposal of what a step changed, with a key unique within the task."""
        changes = self._files.changes(step.before)
        if not changes:
            return
        key = step.rule if step.stage.name == "safe" else f"{step.rule}:{step.stage.name}"
        fixer, fixed = self._fixers[step.rule], step.fixed.values()
        only_shown = step.stage.only_shown
        self.proposals += propose(
            key if step.round_number == 1 else f"{key}#{step.round_number}",
            self._component,
            fixer.declaration,
            [each for each in fixed if each.path in changes],
            changes,
            safe=only_shown or all(each.fixable == "safe" for each in fixed),
            shown=self._shown(fixer, changes) if only_shown else (),
            followed=sorted({self._fixers[rule].declaration.code for _, rule in step.followed}),
            why=fixer.why(),
        )

    def _shown(self, fixer: Fixer, changes: Mapping[str, Change]) -> list[str]:
        """Return the conditions of a rule, by name, that are shown to hold for changes."""
        behaviour = fixer.declaration.behaviour
        shown = (self._check(path, *made, behaviour).shown for path, made in changes.items())
        return sorted(frozenset[str]().union(*shown))

    def _pass(self, step: Step, found: Sequence[FixableFinding]) -> set[str]:
        """Apply the fixes that go together, and return the paths where none can be applied."""
        fixer, given_up = self._fixers[step.rule], set()
        for path in dict.fromkeys(each.finding.path for each in found):
            mine = [each for each in found if each.finding.path == path]
            old = self._files.texts[path]
            if step.stage.only_shown:
                mine = shown_findings(fixer, old, mine, self._check)
            # All at once, else the first alone: two fixes may together empty a block.
            for some in (mine, mine[:1]):
                new, applied = fixer.fix(old, some)
                if some and new != old and self._files.accepts(path, new):
                    step.fixed |= {some[n].finding.fingerprint: some[n].finding for n in applied}
                    break
            else:
                given_up.add(path)
        return given_up

    def _follow_up(self, step: Step) -> None:
        """Fix what a step made possible, where that keeps behaviour, until nothing more is new."""
        for _ in range(MAX_PASSES_PER_RULE):
            made: dict[tuple[str, str], list[FixableFinding]] = defaultdict(list)
            for path in self._files.changes(step.before):
                new = {each.fingerprint for each in self._files.comparison(step, path).new}
                for each in self._files.found():
                    if each.finding.path == path and each.finding.fingerprint in new:
                        made[path, each.finding.rule].append(each)
            # Of each file one rule at a time: the findings of others may be elsewhere then.
            by_path = {path: (rule, found) for (path, rule), found in reversed(made.items())}
            done = [self._follow(step, path, *found) for path, found in by_path.items()]
            if not any(done):
                return

    def _follow(self, step: Step, path: str, rule: str, found: list[FixableFinding]) -> bool:
        """Fix findings of one rule that a step made in one file; return whether any could be."""
        fixer, old = self._fixers[rule], self._files.texts[path]
        fixable = [each for each in found if each.finding.fixable != "no"]
        for some in (fixable, *([each] for each in fixable)):
            new, _ = fixer.fix(old, some)
            keeps = new != old and self._keeps_behaviour(step, fixer, path, new)
            if keeps and self._files.accepts(path, new):
                step.followed.add((path, rule))
                return True
        return False

    def _keeps_behaviour(self, step: Step, fixer: Fixer, path: str, new: str) -> bool:
        """Return whether a follow-up may change nothing, so that no other class is needed for it.

        Together with the step's own fixes it has to be what the step's rule promises.
        """
        own, rule = fixer.declaration.behaviour, self._fixers[step.rule].declaration.behaviour
        if own.kind is not FixClass.PROVEN:
            if own.kind is FixClass.MAY_CHANGE or step.stage.classes == {FixClass.PROVEN}:
                return False
            if self._check(path, self._files.texts[path], new, own).open:
                return False
        return not (step.stage.only_shown and self._check(path, step.before[path], new, rule).open)

    def _take_back_what_is_unwelcome(self, step: Step, path: str) -> None:
        """Make only those fixes of a step to a file again that a maintainer would take."""
        every = step.found_in(path)
        known = {each.finding.fingerprint for each in every}
        welcome = [each for each in every if self._is_welcome_alone(step, path, [each])]
        if not self._is_welcome_alone(step, path, welcome):
            welcome = []
            self._remake(step, path, welcome)
        # No later stage would do better.
        taken = {each.finding.fingerprint for each in welcome}
        self._left_alone |= known - taken
        if not welcome:
            return
        self._fix_again_and_again(
            step, lambda e: e.finding.path == path and e.finding.fingerprint not in known
        )
        if self._review.objects_to(step, path):
            self._remake(step, path, welcome)

    def _is_welcome_alone(self, step: Step, path: str, found: Sequence[FixableFinding]) -> bool:
        """Make only these fixes of a step to a file, and return whether a maintainer takes them."""
        self._remake(step, path, found)
        return not self._review.objects_to(step, path)

    def _remake(self, step: Step, path: str, found: Sequence[FixableFinding]) -> None:
        """Leave a file as it was before a step with only these fixes, and what follows them."""
        step.forget(path)
        self._files.write({path: step.before[path]})
        new, applied = self._fixers[step.rule].fix(step.before[path], found)
        if found and self._files.accepts(path, new):
            step.fixed |= {found[n].finding.fingerprint: found[n].finding for n in applied}
            self._follow_up(step)

    def _take_back_what_is_worse(self, step: Step) -> None:
        """Undo what the gate would refuse, file by file; a later stage may do better."""
        for path in self._files.changes(step.before):
            before, now = self._files.sides(step, path)
            if compare(step.fixed_in(path), {path: before}, {path: now}).broken:
                self._files.write({path: step.before[path]})

    def _leave_alone_what_is_new(self, step: Step) -> None:
        """Note what a step left behind, and where what is left alone is now."""
        for path in self._files.changes(step.before):
            file = self._files.comparison(step, path)
            moved = {new for new, old in file.origins.items() if old in self._left_alone}
            self._left_alone |= {*moved, *(each.fingerprint for each in file.new)}
