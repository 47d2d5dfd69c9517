"""Which repository the name of a target stands for: never the first of several."""

import pytest

from services.coordinator.usecases import CoordinatorDeps, targets
from services.coordinator.usecases.targets import inspect_target
from shared.kernel.errors import Rejected
from shared.kernel.ids import uuid7
from tests.support.builders import NOW, a_target
from tests.support.buses import RecordingBus
from tests.support.memory import a_store


@pytest.fixture
async def located(tmp_path, monkeypatch):
    """The location that a name stands for, where these targets are known."""

    async def find(wanted, *known):
        store = a_store()
        for each in known:
            await store.targets.insert(each)
        deps = CoordinatorDeps(store, RecordingBus(), tmp_path, lambda: NOW, uuid7)
        return await inspect_target(wanted, None, deps)

    async def inspect(location, base):
        return location

    monkeypatch.setattr(targets, "_inspect", inspect)
    return find


ONE = a_target(id=uuid7(), name="shop", location="/one/shop", base_branch="main")
BRANCH = a_target(id=uuid7(), name="shop", location="/one/shop", base_branch="next")
OTHER = a_target(id=uuid7(), name="shop", location="/other/shop", base_branch="main")


async def test_a_name_that_one_repository_has_stands_for_it(located):
    assert await located("shop", ONE, BRANCH) == "/one/shop"
    assert await located("unknown", ONE) == "unknown"


async def test_a_name_that_several_repositories_have_is_refused_with_their_locations(located):
    with pytest.raises(Rejected, match="/one/shop, /other/shop") as refused:
        await located("shop", ONE, OTHER)
    assert refused.value.code == "which_target"


@pytest.mark.parametrize("wanted", [OTHER.id, "/other/shop"], ids=["an id", "a path"])
async def test_an_id_or_a_path_stands_for_itself(located, wanted):
    assert await located(wanted, ONE, OTHER) == "/other/shop"
