"""Which target a location stands for, where several branches of it were improved."""

from datetime import timedelta

import pytest

from services.api.ports import ApiDeps
from services.api.usecases import list_approvals, roll_back_since
from services.api.usecases.targets import find_target, find_targets
from shared.contracts.commands import ApprovalFilter, RollbackEnhancements, RollbackSince
from shared.kernel.errors import Conflict, NotFound
from shared.kernel.ids import uuid7
from tests.support.builders import NOW, a_target, a_task, a_wave, an_enhancement
from tests.support.buses import RecordingBus
from tests.support.memory import a_store

PLACE = "/home/me/shop"


async def fine():
    return None


@pytest.fixture
def deps():
    return ApiDeps(
        store=a_store(), bus=RecordingBus(), ping_database=fine, clock=lambda: NOW, new_id=uuid7
    )


async def known(deps, base="main", root="a", *, waves=1, location=PLACE):
    """A target at a location, so many waves on it, and a change of each that needs approval."""
    target = a_target(id=uuid7(), location=location, base_branch=base, root_commit=root * 40)
    assert await deps.store.targets.insert(target)
    for _ in range(waves):
        await run_wave(deps, target)
    return target


async def run_wave(deps, target):
    wave = a_wave(id=uuid7(), target_id=target.id)
    await deps.store.waves.insert(wave)
    await deps.store.enhancements.insert(an_enhancement(a_task(wave), state="needs_approval"))


async def test_a_location_stands_for_one_target_of_each_branch(deps):
    main, following = await known(deps), await known(deps, "next")
    await known(deps, location="/elsewhere")
    assert await find_targets(PLACE, deps) == [main, following]
    assert await find_targets(following.id, deps) == [following]


async def test_of_repositories_that_replaced_each_other_the_one_of_the_newest_wave_counts(deps):
    old, new = await known(deps, root="a"), await known(deps, root="b")
    assert await find_target(PLACE, deps) == new
    await run_wave(deps, old)
    assert await find_target(PLACE, deps) == old


async def test_what_only_a_backtest_stored_counts_where_there_is_nothing_else(deps):
    only = await known(deps, "old", waves=0)
    assert await find_target(PLACE, deps) == only
    main = await known(deps)
    assert await find_target(PLACE, deps) == main


async def test_several_branches_are_refused_with_their_names_unless_one_is_named(deps):
    await known(deps)
    following = await known(deps, "next")
    with pytest.raises(Conflict, match="several branches of /home/me/shop: main, next") as refused:
        await find_target(PLACE, deps)
    assert "--base" in refused.value.hint
    assert await find_target(PLACE, deps, base="next") == following
    with pytest.raises(NotFound, match="on the branch other"):
        await find_target(PLACE, deps, base="other")


async def test_a_location_without_a_wave_is_not_found(deps):
    with pytest.raises(NotFound, match="No wave has run on /nowhere"):
        await find_targets("/nowhere", deps)


async def test_a_rollback_since_a_time_is_of_the_branch_that_was_named(deps):
    await known(deps)
    following = await known(deps, "next")
    request = RollbackSince(target=PLACE, base="next", since=NOW - timedelta(hours=1))
    await roll_back_since(request, deps)
    assert [each.target_id for each in deps.bus.of(RollbackEnhancements)] == [following.id]


async def test_the_changes_of_every_branch_of_a_repository_need_approval(deps):
    await known(deps)
    await known(deps, "next")
    await known(deps, location="/elsewhere")
    assert (await list_approvals(ApprovalFilter(target=PLACE), deps)).count == 2
