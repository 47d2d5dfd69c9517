"""The rules of infinite mode: what is next, the breaker, the throttle, the room for changes."""

from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.coordinator.domain import breaker as breakers
from services.coordinator.domain.infinite import (
    MIN_FREE_BYTES,
    CloseBreaker,
    Facts,
    Idle,
    OpenBreaker,
    StartWaveNow,
    next_step,
    pause_after,
)
from services.coordinator.domain.throttle import CALM_ROUNDS, Signals, Throttle, adapted
from shared.contracts.documents.infinite import Breaker, InfiniteMode
from shared.contracts.states import INFINITE, InfiniteState
from shared.kernel.ids import uuid7
from shared.targets.config import InfiniteSection
from tests.support.builders import NOW

CALM, BUSY = Signals(load=0.2, free_memory=0.6), Signals(load=4.0, free_memory=0.6)
BETWEEN = Signals(load=1.6, free_memory=0.6)


def a_mode(**fields) -> InfiniteMode:
    target = uuid7()
    defaults = {"looked_at": NOW, "next_at": NOW, "throttle_now": 3, "started_at": NOW}
    return InfiniteMode(id=target, target_id=target, changed_at=NOW, **{**defaults, **fields})


@given(
    state=st.sampled_from([InfiniteState.RUNNING, InfiniteState.BROKEN]),
    open_changes=st.integers(0, 20),
    other=st.sampled_from(["", uuid7()]),
    news=st.sampled_from(["", "The base branch has new commits."]),
    disk=st.integers(0, 2 * MIN_FREE_BYTES),
    pause=st.integers(-600, 600),
    failures=st.integers(0, 3),
    refusals=st.integers(0, 7),
    budget=st.sampled_from([0.0, 100.0]),
    spent=st.floats(0, 200),
)
def test_whatever_is_next_has_a_reason_and_keeps_the_limit(
    state, open_changes, other, news, disk, pause, failures, refusals, budget, spent
):
    until = NOW + timedelta(seconds=pause) if state is InfiniteState.BROKEN else None
    mode = a_mode(
        state=state,
        next_at=NOW + timedelta(seconds=pause),
        breaker=Breaker(failures=failures, refusals=refusals, until=until, signature="x"),
    )
    facts = Facts(
        open_changes=open_changes,
        other_wave=other,
        news=news,
        free_bytes=disk,
        spent_seconds=spent,
        limits=InfiniteSection(seconds_per_day=budget),
    )
    step = next_step(mode, facts, now=NOW)
    match step:
        case Idle(reason, wakes_at):
            assert reason
            assert wakes_at > NOW
        case OpenBreaker(reason, until):
            assert reason
            assert until is None or until > NOW
        case StartWaveNow():
            assert open_changes < facts.limits.max_open
            assert not other
            assert disk >= MIN_FREE_BYTES
            assert failures < breakers.FAILURES
            assert refusals < facts.limits.refusals
            assert not budget or spent < budget
            assert news or pause <= 0
        case CloseBreaker():
            assert state is InfiniteState.BROKEN


def test_the_pause_doubles_on_a_plateau_up_to_its_longest():
    limits = InfiniteSection(plateau_minutes=60)
    pauses = [pause_after(n, interval_seconds=900, limits=limits) for n in (0, 1, 2, 3, 50)]
    assert pauses == [timedelta(minutes=each) for each in (15, 30, 60, 60, 60)]
    longer = pause_after(3, interval_seconds=7200, limits=limits)
    assert longer == timedelta(hours=2)


def test_a_failure_for_the_same_reason_opens_the_breaker_and_one_for_another_does_not():
    once = breakers.after_failure(Breaker(), "run 12 at 0123abcd gave no report")
    again = breakers.after_failure(once, "run 13 at 4567cdef gave no report")
    other = breakers.after_failure(once, "no branch main")
    assert not breakers.reason_to_open(once, max_refusals=5)
    assert "same reason" in breakers.reason_to_open(again, max_refusals=5)
    assert not breakers.reason_to_open(other, max_refusals=5)


def test_a_breaker_that_was_closed_opens_again_for_longer_at_the_next_failure():
    failed = breakers.after_failure(breakers.after_failure(Breaker(), "x"), "x")
    first = breakers.opened(failed, "x", now=NOW, until=None)
    tried = breakers.after_failure(breakers.half_open(first, max_refusals=5), "x")
    assert breakers.reason_to_open(tried, max_refusals=5)
    second = breakers.opened(tried, "x", now=NOW, until=None)
    assert second.until - NOW == 2 * (first.until - NOW)


def test_the_throttle_falls_at_once_and_rises_only_after_calm_rounds():
    fallen = adapted(Throttle(9), BUSY, wanted=9)
    assert fallen.agents == 6
    assert adapted(Throttle(1), BUSY, wanted=9).agents == 1
    for _ in range(CALM_ROUNDS - 1):
        fallen = adapted(fallen, CALM, wanted=9)
        assert fallen.agents == 6
    assert adapted(fallen, CALM, wanted=9).agents == 7


def test_between_busy_and_calm_the_throttle_stays():
    throttle = Throttle(4)
    for _ in range(10):
        throttle = adapted(throttle, BETWEEN, wanted=9)
    assert throttle.agents == 4


@given(st.lists(st.sampled_from([CALM, BUSY, BETWEEN])), st.integers(1, 15))
def test_the_throttle_never_leaves_its_bounds(signals, wanted):
    throttle = Throttle(wanted)
    for each in signals:
        throttle = adapted(throttle, each, wanted=wanted)
        assert 1 <= throttle.agents <= wanted


@pytest.mark.parametrize(
    ("state", "trigger"), [*product(InfiniteState, ["note", "break", "close"])]
)
def test_what_was_paused_or_stopped_is_moved_by_a_person_only(state, trigger):
    moved = INFINITE.target(state, trigger)
    if state in {InfiniteState.PAUSED, InfiniteState.STOPPED}:
        assert moved is None
