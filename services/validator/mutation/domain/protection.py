"""Judges the protection of a change from the results of its mutants."""

from collections.abc import Sequence
from typing import Literal

from services.validator.mutation.domain.blocks import MutantTiming
from services.validator.mutation.domain.plan import (
    MutantResult,
    MutationPlan,
    MutationReport,
    PlacedMutant,
)
from shared.contracts.documents.protection import Protection, SurvivingMutant


def judge_protection(
    plan: MutationPlan, change: str, report: MutationReport | None, no_report: str = ""
) -> Protection:
    """Return what is known about one change; `no_report` says why no mutant was tried at all.

    That code runs when it is imported says nothing about its faults, so it counts as not measured.
    """
    mine = [each for each in plan.mutants if change in each.changes]
    results = {
        each.id: (report and report.results.get(each.id)) or MutantResult(None, why=no_report)
        for each in mine
    }
    finished = [each for each in mine if results[each.id].killed is not None]
    imported = [each for each in finished if _is_only_imported(each, results[each.id])]
    known = [each for each in finished if each not in imported]
    tried = [each for each in known if not _is_check(each)]
    surviving = [each for each in known if not results[each.id].killed]
    unmutated = plan.unmutated.get(change, ())
    places = {(each.path, each.mutant.line) for each in known}
    survived = tuple(
        SurvivingMutant(
            path=each.path,
            line=each.mutant.line,
            description=each.mutant.description,
            reached=results[each.id].reached,
        )
        for each in sorted(surviving, key=lambda each: (each.path, each.mutant.line, each.id))
    )
    unprotected = {(each.path, each.line) for each in survived}
    untried = [results[each.id].why for each in mine if each not in finished]
    return Protection(
        state=_state(known, imported, surviving, unmutated, untried),
        mutants=len(tried),
        killed=sum(bool(results[each.id].killed) for each in tried),
        survived=survived,
        not_measured=len(imported) + len(untried) + len(unmutated),
        lines=len(places),
        protected_lines=len(places - unprotected),
        summary=_summary(len(known), len(imported), survived, (*unmutated, *untried)),
    )


def _is_check(placed: PlacedMutant) -> bool:
    """Return true if it is no fault, but a check that code which runs at import does run."""
    return placed.mutant.when in {MutantTiming.REACH, MutantTiming.IMPORTED}


def _is_only_imported(placed: PlacedMutant, result: MutantResult) -> bool:
    """Return true if all that is known is that code runs when a test imports its module."""
    return bool(result.killed and (_is_check(placed) or result.why))


def _state(
    known: Sequence[PlacedMutant],
    imported: Sequence[PlacedMutant],
    surviving: Sequence[PlacedMutant],
    unmutated: Sequence[str],
    untried: Sequence[str],
) -> Literal["protected", "unprotected", "unknown", "not_measured", "nothing"]:
    """Return the state of a change; untried mutants matter only if nothing else is known.

    If no mutant survived, a file in which none could be placed makes it unknown.
    """
    if surviving:
        return "unprotected"
    if unmutated or (untried and not known):
        return "unknown"
    if known:
        return "protected"
    return "not_measured" if imported else "nothing"


def _summary(
    known: int, imported: int, survived: Sequence[SurvivingMutant], reasons: Sequence[str]
) -> str:
    """Return a sentence for people on what became of the mutants, the worst first."""
    parts = []
    if survived:
        more = f", and {len(survived) - 1} more" if len(survived) > 1 else ""
        count = f"{known} mutant{'s' * (known != 1)}"
        parts.append(f"{len(survived)} of {count} survived: {_describe(survived[0])}{more}")
    elif known:
        parts.append(f"its tests killed each of {known} mutants")
    if imported and not survived:
        places = "1 place that only runs" if imported == 1 else f"{imported} places that only run"
        parts.append(f"not measured: {places} when a test imports the module")
    if reasons:
        why = next((each for each in reasons if each), "")
        number = f"{len(reasons)} more were not tried" if known else "no mutant could be tried"
        parts.append(f"{number}: {why}")
    return "; ".join(parts) or "it touches nothing in which a mutant could be placed"


def _describe(mutant: SurvivingMutant) -> str:
    """Describe a surviving mutant as "path:line: what it did", and if no test reaches it."""
    reach = "" if mutant.reached else ", which no test reaches"
    return f"{mutant.path}:{mutant.line}{reach}: {mutant.description}"
