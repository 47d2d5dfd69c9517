"""Targets, leases and overlaps over HTTP."""

from datetime import timedelta

import pytest

from shared.contracts.documents.conflicts import (
    ConflictKind,
    ConflictOutcome,
    ConflictParticipant,
    ConflictResolution,
    ConflictStrategy,
)
from shared.contracts.documents.leases import Lease, LeaseLedger, WaitingClaim
from shared.kernel.ids import uuid7
from tests.support.builders import NOW, a_target, a_wave
from tests.unit.api.test_access import LOCAL, client_of, deps, made_key

__all__ = ["deps"]


def an_overlap(wave, **changes):
    one, other = (
        ConflictParticipant(
            enhancement_id=uuid7(),
            task_id=uuid7(),
            wave_id=wave.id,
            agent_type="security",
            title="close the file",
        )
        for _ in range(2)
    )
    fields = {
        "id": f"{one.enhancement_id}+{other.enhancement_id}",
        "target_id": wave.target_id,
        "waves": (wave.id,),
        "first": one,
        "second": other,
        "kind": ConflictKind.TEXTUAL,
        "strategy": ConflictStrategy.REMAKE,
        "reason": "both change line 3",
        "files": ("shop/orders.py",),
        "found_at": NOW,
    }
    return ConflictResolution(**{**fields, **changes})


@pytest.fixture
async def waves(deps):
    """A wave on each of two targets, with a lease, a waiting claim and two overlaps."""
    made = [a_wave(id=uuid7(), target_id=uuid7()) for _ in range(2)]
    for wave in made:
        target = a_target(id=wave.target_id, location=f"/srv/{wave.target_id}")
        await deps.store.targets.insert(target)
        await deps.store.waves.insert(wave)
        settled = {"outcome": ConflictOutcome.REMADE, "found_at": NOW - timedelta(hours=1)}
        await deps.store.conflicts.insert(an_overlap(wave))
        await deps.store.conflicts.insert(an_overlap(wave, **settled))
        place = {"component": "orders", "paths": ("shop/**",)}
        lease = Lease(task_id=uuid7(), wave_id=wave.id, epoch=7, expires_at=NOW, **place)
        claim = WaitingClaim(task_id=uuid7(), priority="high", since=NOW, asked_at=NOW, **place)
        ledger = LeaseLedger(
            id=wave.target_id,
            epoch=7,
            held={lease.task_id: lease},
            waiting={claim.task_id: claim},
        )
        await deps.store.leases.insert(ledger)
    return made


async def read(deps, path, key=LOCAL):
    async with client_of(deps, key) as client:
        answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_targets_are_listed_and_shown(deps, waves):
    listed = (await read(deps, "/targets"))["items"]
    assert [each["id"] for each in listed] == sorted((w.target_id for w in waves), reverse=True)
    assert await read(deps, f"/targets/{waves[0].target_id[-8:]}") in listed


async def test_overlaps_are_listed_newest_first_with_their_outcome(deps, waves):
    everything = (await read(deps, "/conflicts"))["items"]
    assert len(everything) == 4
    mine = (await read(deps, f"/conflicts?wave={waves[0].id}"))["items"]
    assert [each["outcome"] for each in mine] == [None, "remade"]
    open_ones = await read(deps, f"/conflicts?target={waves[0].target_id}&unresolved=true")
    assert open_ones["items"] == mine[:1]


async def test_leases_and_the_claims_that_wait_for_them_are_listed(deps, waves):
    [held] = (await read(deps, f"/leases?target={waves[0].target_id}"))["held"]
    assert (held["target_id"], held["wave_id"], held["epoch"]) == (
        waves[0].target_id,
        waves[0].id,
        7,
    )
    found = await read(deps, "/leases")
    assert (len(found["held"]), len(found["waiting"])) == (2, 2)


@pytest.mark.parametrize(("path", "name"), [("targets", "id"), ("conflicts", "target_id")])
async def test_a_restricted_key_sees_those_of_its_targets(deps, waves, path, name):
    made = await made_key(deps, "read", targets=[waves[0].target_id])
    listed = (await read(deps, f"/{path}", made["secret"]))["items"]
    assert {each[name] for each in listed} == {waves[0].target_id}


async def test_a_restricted_key_sees_the_leases_on_its_targets(deps, waves):
    made = await made_key(deps, "read", targets=[waves[0].target_id])
    found = await read(deps, "/leases", made["secret"])
    assert {each["target_id"] for each in found["held"]} == {waves[0].target_id}
