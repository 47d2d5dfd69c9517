"""When faults are planted in the changes of an epoch: before the full run that would land them, or beside it."""

from collections.abc import Sequence
from math import prod

from services.validator.approval.domain import lapsed
from services.validator.decision.evidence import Run, Wanted
from services.validator.deps import ValidatorDeps
from services.validator.gate.evidence_fetcher import EvidenceFetcher
from services.validator.gate.rounds import Epoch, compose
from services.validator.impact.usecases import recorded_for
from services.validator.mutation.usecases.protection import passed_without, trust
from shared.contracts.documents.enhancements import Enhancement

# A batch that passes with this probability is worth planting faults in before its full run.
PROMISING = 0.5


def to_plant(epoch: Epoch, runs: Sequence[Wanted]) -> Run | None:
    """The full run among these that faults have not had their turn before."""
    full = [each.run for each in runs if each.run.changes and not each.run.tests]
    return full[0] if full and full[0] not in epoch.planted else None


async def plant_before(epoch: Epoch, run: Run, deps: ValidatorDeps) -> bool:
    """Whether all is known of these changes that there is to know before their full run; what lacks is found out.

    Not where that run is likely to fail: a fault says little beside a failing test, and nobody is to be asked
    about what the tests refuse.
    """
    if lacking(epoch, run.changes):
        if not _promising(epoch, run):
            return False
        await _plant_for(epoch, run, deps)
    return not lacking(epoch, run.changes)


def plant_beside(
    epoch: Epoch, run: Run, runs: Sequence[Wanted], looks: EvidenceFetcher, deps: ValidatorDeps
) -> bool:
    """Whether that is known, where another runner can find it out: that is begun, and known some steps later.

    It comes before all but one of `runs` where it may change who is in them, and need not wait for what is likely to
    pass: it takes nobody's time, and of what it says beside a failing test only good is believed.
    """
    if not lacking(epoch, run.changes):
        return True
    matters = epoch.place.profile.config.policy.unprotected != "allow"
    if epoch.base.done() and (matters or len(runs) < looks.width):
        looks.begin(lambda: _plant_for(epoch, run, deps))
    return False


def lacking(epoch: Epoch, ids: Sequence[str]) -> set[str]:
    """Those in which it is not known whether faults are noticed, and which need it."""
    known = epoch.protections
    return {each for each in ids if each not in known and not _approved(epoch.changes[each], epoch)}


async def plant(epoch: Epoch, ids: Sequence[str], deps: ValidatorDeps) -> None:
    """Plant faults in those of these changes that lack it."""
    wanted = lacking(epoch, ids)
    if not wanted:
        return
    changes = [epoch.changes[each] for each in ids]
    composition, base = await compose(epoch, ids, deps), await epoch.base
    if composition.failed:
        # A run of them says so too, and the gate knows what follows from that.
        return
    if epoch.recorded is None:
        # With several runners the head was still being recorded when its changes were weighed.
        epoch.recorded = await recorded_for(epoch.place, deps)
    epoch.protections |= await trust(
        deps,
        epoch.place,
        changes,
        dict(composition.steps),
        wave_id=epoch.wave_id,
        recorded=epoch.recorded,
        present=base.outcomes,
        suite=base.seconds,
        wanted=wanted,
    )


async def _plant_for(epoch: Epoch, run: Run, deps: ValidatorDeps) -> None:
    """Where tests fail without any fault, what the others did not notice says nothing, and is forgotten."""
    wanted = lacking(epoch, run.changes)
    await plant(epoch, run.changes, deps)
    found = {each: epoch.protections[each] for each in wanted if each in epoch.protections}
    if found and await passed_without(found.values(), (await epoch.base).outcomes, deps):
        return
    epoch.planted.add(run)
    for each, known in found.items():
        if known.state in {"unprotected", "unknown"}:
            epoch.protections.pop(each, None)
            await deps.store.enhancements.set_fields(each, decision__protection=None)


def _promising(epoch: Epoch, run: Run) -> bool:
    """Whether these changes probably pass: what failed with more is explained, or they are what mostly passes."""
    if epoch.evidence:
        return True
    return prod(1 - epoch.risks.get(each, 0.5) for each in run.changes) >= PROMISING


def _approved(change: Enhancement, epoch: Epoch) -> bool:
    """Whether a person has let it through, and means it as it is."""
    return change.decision.approval is not None and not lapsed(change, epoch.base_commit)
