"""What a wave takes up: turns, controls, and what is learned."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.coordinator.domain.choosing import Option, candidates, choose, options, value
from services.coordinator.domain.learning import (
    HALF_LIFE,
    Arm,
    ArmOutcome,
    Counts,
    Experience,
    family_of,
    learn,
    outcomes_of,
)
from services.coordinator.domain.planning import MIN_TASKS, component_sizes, plan
from services.coordinator.domain.waves import BLAMELESS
from shared.contracts.base import Priority, WaveSize
from shared.contracts.states import EnhancementState as State
from shared.contracts.views import task_reason
from shared.kernel.chance import seeded
from shared.kernel.ids import uuid7
from tests.support.builders import a_finding, a_task, an_enhancement, an_opportunity
from tests.support.coordinating import a_coordinator, a_planned_wave
from tests.support.repositories import a_repository

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ARM = Arm("x", "ruff:F", "Python/small")


def ranked(*opportunities):
    return tuple(Option(each, Counts().posterior(0.5), 1.0) for each in opportunities)


def turns(opportunities, size=WaveSize.SMALL, **more):
    found = choose(ranked(*opportunities), size.limit, spread=MIN_TASKS[size], **more)
    return [
        f"{each.option.opportunity.part or each.option.opportunity.component} "
        f"{each.option.opportunity.agent_type}"
        for each in found.chosen
    ]


class TestTurns:
    def test_agents_of_different_types_get_different_parts_first(self):
        offered = [
            an_opportunity("p", part=part, agent_type=kind)
            for part, kind in (("a", "x"), ("a", "y"), ("b", "x"), ("b", "y"))
        ]
        assert turns(offered) == ["a x", "b y", "a y", "b x"]

    def test_each_type_has_one_turn_and_then_value_decides(self):
        offered = [
            *(an_opportunity(place, agent_type="x") for place in "abcde"),
            *(an_opportunity(place, agent_type="y") for place in "cd"),
            an_opportunity("a", agent_type="z"),
        ]
        assert turns(offered) == ["a z", "c y", "b x", "d x", "e x"]

    def test_a_type_that_has_only_one_place_gets_its_turn_there_though_it_is_taken(self):
        offered = [an_opportunity(place, agent_type="x") for place in "abcde"]
        offered += [an_opportunity("a", agent_type=kind) for kind in "yz"]
        assert turns(offered) == ["a y", "b x", "c x", "a z", "d x"]

    def test_a_large_wave_is_spread_over_ten_places_before_it_takes_one_twice(self):
        offered = [an_opportunity(str(n), agent_type="x") for n in range(10)]
        offered += [an_opportunity(str(n), agent_type=kind) for n in (0, 1) for kind in "yz"]
        chosen = turns(offered, WaveSize.LARGE)
        assert {each.split()[0] for each in chosen[:10]} == {str(n) for n in range(10)}
        assert {each.split()[1] for each in chosen[10:]} == {"x", "y", "z"}

    def test_what_is_left_keeps_its_rank(self):
        offered = ranked(*(an_opportunity(place, agent_type="x") for place in "abcdefg"))
        assert choose(offered, 5).left == offered[5:]

    def test_what_is_critical_comes_before_every_turn(self):
        offered = [an_opportunity(kind, agent_type=kind) for kind in "abcdef"]
        offered.append(an_opportunity("g", agent_type="a", priority=Priority.CRITICAL))
        assert turns(offered)[0] == "g a"

    @given(
        st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz")), unique=True),
        st.integers(0, 8),
        st.integers(),
    )
    def test_a_choice_keeps_its_limit_takes_nothing_twice_and_is_repeatable(
        self, places, limit, seed
    ):
        offered = ranked(*(an_opportunity(place, agent_type=kind) for place, kind in places))
        made = [choose(offered, limit, chance=seeded(str(seed))) for _ in range(2)]
        assert made[0] == made[1]
        taken = [each.option for each in made[0].chosen]
        assert len(taken) == min(limit, len(offered))
        assert sorted(map(repr, (*taken, *made[0].left))) == sorted(map(repr, offered))
        firsts = {each.opportunity.agent_type for each in taken[: len({k for _, k in places})]}
        assert len(firsts) == min(limit, len({kind for _, kind in places}))


class TestControls:
    def test_one_in_ten_is_drawn_by_chance_and_says_so(self):
        offered = ranked(*(an_opportunity(str(n)) for n in range(5)))
        chance = seeded("controls")
        made = [choose(offered, 1, chance=chance).chosen[0] for _ in range(2000)]
        controls = [each for each in made if each.control]
        assert 0.08 < len(controls) / len(made) < 0.12
        assert {each.option for each in controls} == {*offered}
        assert {each.option for each in made if not each.control} == {offered[0]}
        assert all(each.reason.startswith("A control") for each in controls)

    def test_there_are_none_where_all_has_room_or_nothing_is_decided(self):
        few = [a_finding(component=str(n), path=f"{n}/a.py") for n in range(3)]
        many = [a_finding(component=str(n), path=f"{n}/a.py") for n in range(9)]
        known = Experience({ARM: Counts(1.0, 0.0)})
        for seed in range(50):
            for findings, experience in ((few, known), (many, Experience())):
                made = plan(
                    findings,
                    foreclosed={},
                    size=WaveSize.SMALL,
                    experience=experience,
                    chance=seeded(str(seed)),
                )
                assert not any(each.control for each in made.candidates)


class TestRecord:
    def test_every_candidate_has_a_reason_and_the_chosen_come_first(self):
        offered = ranked(*(an_opportunity(str(n)) for n in range(60)))
        kept, left_out = candidates(choose(offered, 5), [an_opportunity("advice", fixable=0)])
        assert [each.turn for each in kept[:7]] == [1, 2, 3, 4, 5, 6, None]
        assert (len(kept), left_out) == (40, 21)
        assert all(each.reason.endswith(".") for each in kept)
        assert "advises" in kept[5].reason


class TestLearning:
    @pytest.mark.parametrize(
        ("rule", "family"),
        [
            ("ruff:F401", "ruff:F"),
            ("ruff:PLR0913", "ruff:PLR"),
            ("vulture:unused-import", "vulture"),
            ("own", "own"),
        ],
    )
    def test_a_family_is_a_tool_and_the_letters_of_a_numbered_code(self, rule, family):
        assert family_of(rule) == family

    def test_what_stands_is_expected_to_stand_and_old_outcomes_count_less(self):
        good = [ArmOutcome(ARM, "t", 1.0, NOW)] * 9
        assert learn(good, "t", now=NOW).posterior(ARM, 0.5).mean > 0.8
        later = learn(good, "t", now=NOW + HALF_LIFE).posterior(ARM, 0.5)
        assert later.trials == pytest.approx(4.5)

    @given(st.permutations(range(6)))
    def test_the_order_of_the_outcomes_does_not_matter(self, order):
        known = [ArmOutcome(ARM, "tu"[n % 2], n % 3 / 2, NOW - timedelta(days=n)) for n in range(6)]
        found = learn([known[n] for n in order], "t", now=NOW).posterior(ARM, 0.7)
        wanted = learn(known, "t", now=NOW).posterior(ARM, 0.7)
        assert found.alpha == pytest.approx(wanted.alpha)
        assert found.beta == pytest.approx(wanted.beta)

    def test_an_arm_without_changes_is_expected_to_do_as_the_wider_ones_do(self):
        bad = [ArmOutcome(ARM._replace(component_class="Python/large"), "u", 0.0, NOW)] * 30
        known = learn(bad, "t", now=NOW)
        assert not known.has_begun
        found = known.posterior(ARM, 0.95)
        assert found.mean < 0.75
        assert found.trials == 0
        assert known.posterior(Arm("y"), 0.95).mean == pytest.approx(0.95)

    def test_until_something_is_decided_the_means_decide(self):
        offered = [an_opportunity("a", prior=0.5), an_opportunity("b", prior=0.9)]
        found = options(offered, Experience(), seeded("any"))
        assert [each.opportunity.component for each in found] == ["b", "a"]
        assert [each.drawn for each in found] == pytest.approx([0.9, 0.5])

    def test_a_decided_change_counts_once_and_one_that_says_nothing_does_not(self):
        task = a_task(opportunity=an_opportunity(component_class="Python/small"))
        changes = [
            an_enhancement(task_id=task.id, state=state)
            for state in (
                State.APPLIED,
                State.REJECTED,
                State.ROLLED_BACK,
                State.NEEDS_APPROVAL,
                State.EXPIRED,
                State.VALIDATING,
            )
        ]
        lost = an_enhancement(task_id=task.id, state=State.REJECTED).updated(
            decision__reason=f"{BLAMELESS[0]} it lost"
        )
        found = outcomes_of([*changes, lost], [task])
        assert [each.stands for each in found] == [1.0, 0.0, 0.0, 0.5]
        assert {each.arm.component_class for each in found} == {"Python/small"}

    def test_what_falls_again_and_again_is_left_for_what_stands(self):
        findings = [
            a_finding(component=name, path=f"{name}/a.py", rule=f"ruff:{rule}401")
            for name, rule in (
                ("a", "F"),
                ("b", "E"),
                ("c", "W"),
                ("d", "F"),
                ("e", "E"),
                ("f", "W"),
            )
        ]
        found = plan(findings, foreclosed={}, size=WaveSize.SMALL)
        arm = Arm("code_quality", "ruff:F", found.chosen[0].component_class)
        known = learn([ArmOutcome(arm, "t", 0.0, NOW)] * 40, "t", now=NOW)
        made = plan(
            findings,
            foreclosed={},
            size=WaveSize.SMALL,
            experience=known,
            chance=seeded("a seed"),
        )
        assert [each.family for each in made.candidates if each.turn is None] == ["ruff:F"]


def test_sizes_are_thirds_of_the_components_of_a_target():
    assert component_sizes({"a": 1, "b": 20, "c": 300}) == {
        "a": "small",
        "b": "medium",
        "c": "large",
    }
    assert component_sizes({"only": 5}) == {"only": "small"}
    assert component_sizes({}) == {}


def test_worth_is_impact_for_each_line_to_read():
    assert value(an_opportunity(expected_impact=10.0, complexity=4.0)) == 2.5
    assert value(an_opportunity(expected_impact=3.0, complexity=0.0)) == 3.0


async def test_a_wave_stores_what_it_chose_from_under_its_own_id(tmp_path):
    deps = a_coordinator(tmp_path / "home")
    place = a_repository(tmp_path / "target", **{"app/__init__.py": "", "app/code.py": "a = 1\n"})
    finding = a_finding(component="app", path="app/code.py", rule="ruff:F401")
    wave = await a_planned_wave(deps, place, finding, lines=2)
    [task] = await deps.store.tasks.find(wave_id=wave.id)
    reason = task_reason(task, await deps.store.choices.get(wave.id))
    assert reason.chosen is not None
    assert (reason.chosen.turn, reason.chosen.family, reason.others) == (1, "ruff:F", ())
    assert reason.sentences[0].startswith("Choice 1 of its wave. The first turn of code_quality")
    assert "none is decided on this target yet" in reason.sentences[1]


def test_a_task_without_a_stored_choice_says_so():
    reason = task_reason(a_task(follow_up_of=uuid7(), attempt=1), None)
    assert reason.chosen is None
    assert reason.sentences == (
        "It repeats an earlier task on a newer head: this is attempt 1.",
        "Nothing is stored about the choice of this wave.",
    )
