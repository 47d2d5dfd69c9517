"""Finding the targets that a person names by an id or by the location of a repository."""

from collections.abc import Sequence

from services.api.ports import ApiDeps
from shared.contracts.documents.targets import Target
from shared.kernel.errors import Conflict, NotFound


async def find_targets(named: str, deps: ApiDeps) -> list[Target]:
    """Return the target with this id, or those at this location, one for each base branch.

    A branch has several where another repository took the place of an older one; the one that a
    wave ran on last is returned. Targets without any wave, as a backtest stores them, count only
    where there are no others. Raises `NotFound`.
    """
    if target := await deps.store.targets.get(named):
        return [target]
    found = {each.id: each for each in await deps.store.targets.find(location=named)}
    if not found:
        raise NotFound(
            f"No wave has run on {named}.",
            hint="Name the repository as groundswell wave list --json does, by its location.",
        )
    last_waves = {each: await _last_wave(each, deps) for each in found}
    if any(last_waves.values()):
        found = {each: target for each, target in found.items() if last_waves[each]}
    oldest_first = sorted(found, key=lambda each: (last_waves[each], each))
    return list({found[each].base_branch: found[each] for each in oldest_first}.values())


async def find_target(named: str, deps: ApiDeps, *, base: str | None = None) -> Target:
    """Return the target with this id or location; `base` chooses one of several base branches.

    Raises `NotFound`, and `Conflict` where several branches would do.
    """
    found = await find_targets(named, deps)
    chosen = [each for each in found if base in {None, each.base_branch}]
    if not chosen:
        raise NotFound(
            f"No wave has run on the branch {base} of {named}.",
            hint=f"Waves have run on: {_branches(found)}.",
            code="no_branch",
        )
    if len(chosen) > 1:
        raise Conflict(
            f"Waves have run on several branches of {named}: {_branches(chosen)}.",
            hint="Name one of them with --base (over HTTP: base).",
            code="which_target",
        )
    return chosen[0]


async def permitted_target(named: str | None, base: str | None, deps: ApiDeps) -> str | None:
    """Return what a command says of its target; its id where the caller's key has some targets.

    Raises `NotFound` and `Conflict` as `find_target` does, for such a key.
    """
    if not deps.caller.targets:
        return named
    return (await find_target(named or deps.caller.targets[0], deps, base=base)).id


async def _last_wave(target_id: str, deps: ApiDeps) -> str:
    """Return the id of the newest wave on a target; empty if none has run on it."""
    wave = await deps.store.waves.first(target_id=target_id, sort="-_id")
    return wave.id if wave is not None else ""


def _branches(targets: Sequence[Target]) -> str:
    """Return the base branches of targets, for people."""
    return ", ".join(sorted(each.base_branch for each in targets))
