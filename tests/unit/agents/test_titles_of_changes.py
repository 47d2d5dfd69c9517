"""No two commits on a landing branch have one title, whichever task or engine proposed them."""

import pytest

from services.agents.deps import ServedType
from services.agents.usecases import AgentDeps, perform_task
from services.validator.git.domain.commits import landing_message
from shared.agent_types import Proposal, agent_spec
from shared.contracts.base import EngineName
from shared.contracts.states import EnhancementState
from shared.contracts.work import PerformTask
from shared.kernel.ids import uuid7
from tests.support.builders import a_target, a_task, a_wave, a_worker, an_agent, an_enhancement
from tests.support.buses import RecordingBus
from tests.support.memory import a_store
from tests.support.places import PlainSlots
from tests.support.repositories import a_repository, git
from tests.support.stores import Watch

TITLE = "refactor(m): remove unused imports (F401)"


class TwoEngines:
    """An engine that proposes changes with these titles."""

    def __init__(self, *titles):
        self.titles = titles

    async def propose(self, _context):
        for number, title in enumerate(self.titles):
            yield Proposal(
                key=f"k{number}",
                rule="ruff:F401",
                engine=EngineName.RULES,
                title=title,
                rationale="Why.",
                changes={"m.py": ("x = 1\n", f"x = {number + 2}\n")},
            )


@pytest.fixture
def perform(tmp_path):
    """Perform a task that is proposed these titles, beside other changes of the target."""

    async def perform(*titles, other=None, **fields):
        place = a_repository(tmp_path / "target", m_py="x = 1\n")
        target, me, store = a_target(location=str(place)), a_worker(), a_store()
        wave = a_wave(target_id=target.id, commit=git(place, "rev-parse", "HEAD"))
        task = a_task(wave, state="assigned", epoch=3)
        known = an_enhancement(a_task(a_wave(target_id=target.id)), title=other or TITLE, **fields)
        for collection, document in (
            (store.targets, target),
            (store.tasks, task),
            (store.agents, an_agent(task)),
            *([(store.enhancements, known)] if other else []),
        ):
            await collection.insert(document)
        served = ServedType(agent_spec("code_quality"), (), TwoEngines(*titles), ("guard",))
        deps = AgentDeps(
            store=store,
            bus=RecordingBus(),
            home=tmp_path / "home",
            me=me,
            slots=PlainSlots(),
            served={"code_quality": served},
            clock=Watch(),
            new_id=uuid7,
        )
        command = PerformTask(
            task_id=task.id,
            wave_id=wave.id,
            agent_type=task.agent_type,
            priority=task.priority,
            epoch=3,
        )
        await perform_task(command, deps)
        changes = await store.enhancements.find(task_id=task.id, sort="proposal__order")
        return [each.proposal.title for each in changes]

    return perform


async def test_changes_of_several_engines_with_one_title_are_told_apart(perform):
    assert await perform(TITLE, TITLE) == [
        "refactor(m): remove unused imports in m (F401)",
        "refactor(m): remove unused imports (F401)",
    ]


@pytest.mark.parametrize("state", list(EnhancementState))
async def test_a_title_of_what_landed_or_still_may_is_not_given_again(perform, state):
    gone = {"rejected", "expired", "superseded", "advisory"}
    part = TITLE if state in gone else "refactor(m): remove unused imports in m (F401)"
    assert await perform(TITLE, other=TITLE, state=state) == [part]


@pytest.mark.parametrize("length", [50, 68, 90])
def test_a_subject_that_is_shortened_keeps_the_number(length):
    title = f"refactor(m): {'x' * length} (F401, {{}})"
    subjects = [
        landing_message(an_enhancement(title=title.format(each)), ()).partition("\n")[0]
        for each in ("part 2", "part 3", "part 12")
    ]
    assert len(set(subjects)) == 3
    assert all(len(each) <= 72 for each in subjects)
    assert subjects[2].endswith(" (part 12)")
