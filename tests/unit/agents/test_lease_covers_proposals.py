"""An agent proposes about its own files, and extends its lease for what it adds beside them."""

from dataclasses import replace

import pytest

from services.agents.usecases.lease import is_of_task, within_lease
from shared.agent_types import Proposal
from shared.contracts.base import EngineName
from shared.contracts.commands import ExtendLease, LeaseGrant
from shared.kernel.errors import Transient
from tests.support.builders import a_finding, a_task
from tests.support.buses import RecordingBus


class Deps:
    """What of the agents' dependencies the lease needs."""

    def __init__(self, answer=None):
        self.bus = RecordingBus({ExtendLease: answer} if answer else {})


def a_split(path="m.py", *new):
    return Proposal(
        key="k",
        rule="imports:god-module",
        engine=EngineName.RULES,
        title="t",
        rationale="",
        changes=dict.fromkeys((path, *new), ("", "x = 1\n")),
        findings=(a_finding(path=path),),
        created=frozenset(new),
    )


async def test_what_is_covered_asks_for_nothing():
    deps, split = Deps(), a_split()
    assert await within_lease([split], a_task(), deps) == [split]
    assert not deps.bus.asked


@pytest.mark.parametrize(
    ("answer", "is_kept"),
    [
        (LeaseGrant(granted=True, epoch=3), True),
        (LeaseGrant(granted=False, reason="leased"), False),
        (Transient("nobody"), False),
    ],
)
async def test_a_new_file_extends_the_lease_or_the_change_is_left(answer, is_kept):
    deps, split = Deps(answer), a_split("m.py", "m_parts.py")
    kept = await within_lease([split], a_task(epoch=3), deps)
    assert kept == ([split] if is_kept else [])
    assert [(each.epoch, each.paths) for each in deps.bus.asked] == [(3, ("/m_parts.py",))]


async def test_what_is_found_in_files_of_another_agent_is_left_to_it():
    deps = Deps(LeaseGrant(granted=True, epoch=3))
    found = [a_split("other.py"), replace(a_split("other.py"), changes=None)]
    assert await within_lease(found, a_task(), deps) == []
    assert not deps.bus.asked


@pytest.mark.parametrize(
    ("fields", "part", "is_kept"),
    [
        ({"fixable": "no"}, "", True),
        ({"fixable": "no"}, "a to b", False),
        ({"fixable": "no", "component": "other"}, "", False),
        ({"fixable": "safe"}, "", False),
    ],
)
async def test_advice_may_be_about_a_file_of_no_component(fields, part, is_kept):
    task = a_task()
    task = task.model_copy(
        update={"opportunity": task.opportunity.model_copy(update={"part": part})}
    )
    found = a_finding(path="tests/test_m.py", **fields)
    advice = replace(a_split(), changes=None, findings=(found,))
    assert is_of_task(found, task) is is_kept
    assert await within_lease([advice], task, Deps()) == ([advice] if is_kept else [])
