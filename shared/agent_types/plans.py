"""Advice from a table: what people can do about findings that nothing fixes, by rule."""

import tomllib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from shared.agent_types.engines import Proposal, TaskContext
from shared.contracts.base import EngineName
from shared.contracts.documents.advice import Advice
from shared.contracts.documents.findings import Finding

MAX_NAMED_FILES = 3
MAX_PLACES = 8


@dataclass(frozen=True)
class AdvicePlan:
    """What is advised on all findings of some rules in a component.

    In the `title`, `{names}` stands for their files.
    """

    rules: tuple[str, ...]
    title: str
    plan: str
    steps: tuple[str, ...]
    caution: str = ""


def read_plans(text: str) -> tuple[AdvicePlan, ...]:
    """Return the plans of a TOML table with one section each. Raises ValueError for another one."""
    return TypeAdapter(tuple[AdvicePlan, ...]).validate_python(tuple(tomllib.loads(text).values()))


def advised_rules(plans: Iterable[AdvicePlan]) -> frozenset[str]:
    """Return the ids of the rules that plans are about."""
    return frozenset(rule for each in plans for rule in each.rules)


class PlansEngine:
    """An `Engine` whose proposals have no patch: one for all findings that a plan is about."""

    def __init__(self, plans: Sequence[AdvicePlan]) -> None:
        self._plans = plans

    async def propose(self, context: TaskContext) -> AsyncIterator[Proposal]:
        """Yield advice on the findings that nothing fixes, in the order of the plans."""
        for plan in self._plans:
            found = [
                each
                for each in context.findings
                if each.rule in plan.rules and each.fixable == "no" and context.may_advise_on(each)
            ]
            if found:
                yield _advice(plan, found)


def _advice(plan: AdvicePlan, found: Sequence[Finding]) -> Proposal:
    """Return the advice on some findings, which come in the order of their weight."""
    rows = [f"{e.path}:{e.line}: {e.message.rstrip('.')}" for e in found[:MAX_PLACES]]
    more = [f"{len(found) - MAX_PLACES} more"] if len(found) > MAX_PLACES else []
    paths = list(dict.fromkeys(each.path for each in found))
    others = len(paths) - MAX_NAMED_FILES
    names = ", ".join(paths[:MAX_NAMED_FILES]) + (f" and {others} more" if others > 0 else "")
    advice = Advice(plan=plan.plan, evidence=(*rows, *more), steps=plan.steps, caution=plan.caution)
    return Proposal(
        key=f"{plan.rules[0]}:advice",
        rule=found[0].rule,
        engine=EngineName.RULES,
        title=plan.title.format(names=names),
        rationale=advice.text,
        advice=advice,
        changes=None,
        findings=tuple(found),
    )
