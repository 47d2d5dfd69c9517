"""What is stored of a change's workflows after n8n compared them, or could not."""

from types import SimpleNamespace

import httpx
import pytest

from services.validator.workflows.adapters.rest import RestWorkflowServer
from services.validator.workflows.usecases import check
from services.validator.workflows.usecases.check import check_change
from tests.support.builders import a_target, an_enhancement
from tests.support.memory import a_store
from tests.support.n8n import KEY, URL, FakeN8n
from tests.support.validator_deps import a_validator
from tests.support.workflows import START, fields, flow, node

PATH = "flows/orders.json"


def version(total, pins=None):
    summed = node("Sum", "set", 3.4, parameters=fields(total=total))
    return flow(START, summed, pins={"Start": [{"json": {"a": 1}}]} | (pins or {}))


class House:
    """A validator with an n8n, and one change of a file."""

    def __init__(self, home, before, after, *, path=PATH, url=URL, key=KEY):
        self.n8n = FakeN8n()
        self.texts = {path: tuple(each and each.encode() for each in (before, after))}
        server = RestWorkflowServer(url, key, transport=self.n8n.transport) if url else None
        self.deps = a_validator(
            a_store(),
            home,
            repository=lambda _: SimpleNamespace(versions=lambda _, paths: self.texts),
            workflow_server=server,
        )
        self.change = an_enhancement(files=(path,))
        self.prepared = SimpleNamespace(target=a_target())

    async def check(self):
        await self.deps.store.enhancements.insert(self.change)
        found = await check_change(self.change, ("old", "new"), self.prepared, self.deps)
        self.change = await self.deps.store.enhancements.require(self.change.id)
        assert self.change.decision.workflows == found
        return found


async def test_what_n8n_shows_is_stored_with_the_change(tmp_path):
    found = await House(tmp_path, version("1"), version("2")).check()
    assert (found.state, found.nodes) == ("different", ("Sum",))
    assert found.evidence.startswith("it does something else in n8n: with it 'Sum' of 'Orders'")
    found = await House(tmp_path, version("1"), version("1", {"Other": []})).check()
    assert found.state == "same"


async def test_the_same_contents_are_measured_once_and_others_again(tmp_path):
    house = House(tmp_path, version("1"), version("2"))
    first = await house.check()
    asked = len(house.n8n.asked)
    assert await house.check() == first
    assert len(house.n8n.asked) == asked
    house.texts = {PATH: (version("2").encode(), version("3").encode())}
    assert (await house.check()).content != first.content
    assert len(house.n8n.asked) > asked


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (httpx.ConnectError("no"), "n8n does not answer: ConnectError"),
        (httpx.Response(401, json={"message": "unauthorized"}), "does not let the API key"),
        (httpx.Response(200, content=b"?"), "what cannot be read"),
    ],
    ids=["down", "wrong key", "garbage"],
)
async def test_an_n8n_that_does_not_answer_is_not_measured_and_asked_again(tmp_path, fault, reason):
    house = House(tmp_path, version("1"), version("1", {"Other": []}))
    house.n8n.first = [fault]
    found = await house.check()
    assert found.state == "unmeasured"
    assert reason in found.evidence
    assert found.evidence.startswith("what it does in n8n was not measured: ")
    assert (await house.check()).state == "same"


async def test_what_takes_too_long_is_not_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(check, "MAX_CHECK_SECONDS", 0)
    found = await House(tmp_path, version("1"), version("2")).check()
    assert found.summary == "it takes too long"
    assert found.state == "unmeasured"


async def test_a_file_that_cannot_be_read_is_not_measured(tmp_path):
    broken = version("1").replace('"nodes"', '"nodes": [], "nodes"')
    found = await House(tmp_path, version("1"), broken).check()
    assert found.state == "unmeasured"
    assert "key is repeated" in found.summary


@pytest.mark.parametrize(
    "more",
    [{"url": ""}, {"path": "flows/orders.py"}, {"before": "{}", "after": '{"a": 1}'}],
    ids=["no n8n", "no JSON", "no workflow"],
)
async def test_other_changes_are_none_of_its_business(tmp_path, more):
    house = House(tmp_path, **{"before": version("1"), "after": version("2"), **more})
    assert await house.check() is None
    assert house.n8n.asked == []


async def test_the_worst_of_several_workflows_counts(tmp_path):
    def both(a, b):
        one, other = (version(each).rstrip() for each in (a, b))
        return f"[{one}, {other}]"

    found = await House(tmp_path, both("1", "1"), both("1", "2")).check()
    assert found.state == "different"
