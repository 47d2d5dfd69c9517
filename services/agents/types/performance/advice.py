"""The engine that advises on what was measured to be slow, where no fix removes it."""

import tomllib
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import cache
from importlib.resources import files

from shared.agent_types.engines import Proposal, TaskContext
from shared.contracts.base import EngineName
from shared.contracts.documents.findings import Finding
from shared.detectors.ports import DetectorResources

MAX_NAMED = 3
MAX_SHOWN = 8
PLANS = "advice.toml"


@cache
def read_plans() -> Mapping[str, Mapping[str, str]]:
    """Return the titles, plans and steps of advice, by rule."""
    found: Mapping[str, Mapping[str, str]] = tomllib.loads(
        (files(__package__) / PLANS).read_text(encoding="utf-8")
    )
    return found


ADVISED = frozenset(read_plans())


class MeasuredAdviceEngine:
    """An `Engine` whose proposals have no patch: one for all findings of a rule."""

    def __init__(self, _: DetectorResources) -> None:
        pass

    async def propose(self, context: TaskContext) -> AsyncIterator[Proposal]:
        """Yield advice on the measured findings that nothing fixes, in the order of the rules."""
        for rule in read_plans():
            found = [
                each
                for each in context.findings
                if each.rule == rule and each.fixable == "no" and context.may_advise_on(each)
            ]
            if found:
                yield _advice(rule, found)


def _advice(rule: str, found: Sequence[Finding]) -> Proposal:
    """Return the advice on all findings of one rule, which come in the order of their weight."""
    words = read_plans()[rule]
    rows = " ".join(f"{e.path}:{e.line}: {e.message}" for e in found[:MAX_SHOWN])
    more = f" And {len(found) - MAX_SHOWN} more." if len(found) > MAX_SHOWN else ""
    paths = list(dict.fromkeys(each.path for each in found))
    names = ", ".join(paths[:MAX_NAMED])
    others = f" and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else ""
    return Proposal(
        key=f"{rule}:advice",
        rule=rule,
        engine=EngineName.RULES,
        title=words["title"].format(names=f"{names}{others}"),
        rationale=f"Plan: {words['plan']}. Evidence: {rows}{more} Steps: {words['steps']}",
        changes=None,
        findings=tuple(found),
    )
