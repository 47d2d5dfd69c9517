"""The protection of what landed, stored as health."""

import pytest

from services.validator.mutation.usecases.protection_health import store_protection_health
from shared.contracts.documents.protection import Protection
from tests.support.builders import a_target, an_enhancement
from tests.support.memory import a_store
from tests.support.validator_deps import a_validator

TARGET = a_target()
TIP = "2" * 40
GREEN = Protection(state="protected", mutants=3, killed=3, lines=2, protected_lines=2)
RED = Protection(state="unprotected", mutants=4, killed=3, lines=4, protected_lines=3)


@pytest.fixture
def deps(tmp_path):
    return a_validator(a_store(), tmp_path)


async def landed(deps, *known):
    """Changes by component and protection, on the branch in this order."""
    changes = [
        an_enhancement(component=component, protection=protection, commit=f"{number}" * 40)
        for number, (component, protection) in enumerate(known, 3 - len(known))
    ]
    await deps.store.enhancements.insert_missing(changes)
    await store_protection_health(TARGET, changes, deps)
    return changes


async def test_each_component_has_its_own_counts_under_the_commit_that_landed_last(deps):
    await landed(deps, ("shop", GREEN), ("till", RED), ("shop", RED))
    shop, till = await deps.store.health.find()
    assert shop.id == f"{TARGET.id}:{TIP}:shop:protection"
    assert (shop.target_id, shop.commit, shop.component) == (TARGET.id, TIP, "shop")
    assert (shop.dimension, shop.measured_at) == ("protection", deps.clock())
    assert shop.metrics == {"mutants": 7, "killed": 6, "lines": 6, "protected_lines": 5}
    assert shop.score == 83.3
    assert (till.component, till.commit, till.score) == ("till", TIP, 75)


@pytest.mark.parametrize(
    "known",
    [
        None,
        Protection(state="nothing"),
        Protection(state="not_measured", not_measured=1),
        Protection(state="unknown", not_measured=2),
        GREEN.model_copy(update={"state": "unknown"}),
        GREEN.model_copy(update={"lines": 0, "protected_lines": 0}),
    ],
    ids=["never looked at", "nothing", "not measured", "unknown", "partly unknown", "no line"],
)
async def test_where_nothing_was_measured_nothing_is_kept(deps, known):
    await landed(deps, ("shop", known), ("till", known))
    assert await deps.store.health.find() == []
    await landed(deps, ("shop", known), ("shop", RED))
    [shop] = await deps.store.health.find()
    assert shop.metrics["lines"] == RED.lines, "a neighbour that was measured is kept without it"


async def test_nothing_landed_is_nothing_measured(deps):
    assert await landed(deps) == []
    assert await deps.store.health.find() == []


async def test_kept_twice_is_kept_once(deps):
    changes = await landed(deps, ("shop", GREEN), ("shop", RED))
    once = await deps.store.health.find()
    deps.clock.go(minutes=1)
    await store_protection_health(TARGET, changes, deps)
    await store_protection_health(TARGET, changes[1:], deps)
    assert await deps.store.health.find() == once, "also of those that a crash left to be said"


async def test_what_the_gate_found_out_meanwhile_counts(deps):
    """It is kept with the stored change, and the one that was read before does not have it."""
    change = an_enhancement(commit=TIP)
    await deps.store.enhancements.insert(change)
    await deps.store.enhancements.set_fields(change.id, decision__protection=RED)
    await store_protection_health(TARGET, [change], deps)
    [kept] = await deps.store.health.find()
    assert kept.score == 75
