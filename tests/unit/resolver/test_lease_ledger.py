"""The lease ledger as a machine: whatever happens to it, its promises hold."""

from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.resolver.domain import leases
from services.resolver.domain.leases import LEASE_TTL, MAX_ENDED_LEASES, Claim, Granted, Refused
from services.resolver.domain.overlaps import overlap
from shared.contracts.documents.leases import Lease, LeaseLedger
from shared.contracts.states import LeaseState
from shared.kernel.ids import uuid7
from tests.support.builders import NOW

TASKS = tuple(uuid7() for _ in range(5))
WAVE = uuid7()
SECOND = timedelta(seconds=1)
PATHS = (("/a/",), ("/a/x/",), ("/a/*.py",), ("/b/",), ("/b/", "/c/"), ("/c/m.py",), ("*.md",))


def a_ledger(**fields):
    return LeaseLedger(id=uuid7(), **fields)


def a_claim(task=TASKS[0], *paths):
    return Claim(task, WAVE, f"of-{task[-2:]}", paths or ("/a/",))


def granted(ledger, task=TASKS[0], *paths, now=NOW) -> tuple[LeaseLedger, Lease]:
    decision = leases.acquire(ledger, a_claim(task, *paths), now=now)
    assert isinstance(decision, Granted), decision
    return decision.ledger, decision.lease


class LeaseLife(RuleBasedStateMachine):
    """Tasks ask, renew, release and fall silent; `ours` is what each was last told it holds."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger, self.now = a_ledger(), NOW
        self.ours: dict[str, Lease] = {}
        self.given: list[int] = []

    @rule(seconds=st.integers(0, 45))
    def time_passes(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule(task=st.sampled_from(TASKS), paths=st.sampled_from(PATHS))
    def acquire(self, task, paths):
        mine = self.held(task)
        decision = leases.acquire(self.ledger, a_claim(task, *paths), now=self.now)
        if isinstance(decision, Refused):
            others = [each for each in self.holders() if each.task_id != task]
            assert any(overlap(each.paths, paths) for each in others)
            return
        if mine is not None:
            assert decision.lease == mine
            assert decision.ledger == self.ledger
        else:
            assert decision.lease.epoch > max(self.given, default=0)
            assert decision.lease.paths == paths
            self.given.append(decision.lease.epoch)
        self.ledger, self.ours[task] = decision.ledger, decision.lease

    @rule(task=st.sampled_from(TASKS), late=st.integers(-1, 1))
    def renew(self, task, late):
        mine = self.held(task)
        known = self.ours[task].epoch if task in self.ours else 0
        decision = leases.renew(self.ledger, task, known + late, now=self.now)
        allowed = mine is not None and known + late == mine.epoch
        assert isinstance(decision, Granted) == allowed
        if isinstance(decision, Granted):
            assert decision.lease.epoch == known
            assert decision.lease.expires_at == self.now + LEASE_TTL
            self.ledger, self.ours[task] = decision.ledger, decision.lease

    @rule(task=st.sampled_from(TASKS))
    def release(self, task):
        self.ledger, ended = leases.release(self.ledger, task)
        assert all((each.task_id, each.state) == (task, LeaseState.RELEASED) for each in ended)
        assert leases.release(self.ledger, task) == (self.ledger, ())
        self.ours.pop(task, None)

    @rule()
    def expire(self):
        self.ledger, ended = leases.expire(self.ledger, now=self.now)
        assert all(each.expires_at <= self.now for each in ended)
        assert leases.expire(self.ledger, now=self.now) == (self.ledger, ())

    def holders(self):
        return leases.holders(self.ledger, now=self.now)

    def held(self, task):
        return next((each for each in self.holders() if each.task_id == task), None)

    @invariant()
    def held_leases_never_overlap(self):
        held = self.holders()
        for n, one in enumerate(held):
            assert not any(overlap(one.paths, other.paths) for other in held[n + 1 :])

    @invariant()
    def who_was_told_that_it_holds_holds_until_its_time_is_over(self):
        for task, lease in self.ours.items():
            now = leases.current(self.ledger, task, lease.epoch, now=self.now)
            assert (now == lease) == (lease.expires_at > self.now)

    @invariant()
    def an_epoch_belongs_to_one_lease(self):
        epochs = [each.epoch for each in self.ledger.leases]
        assert len(epochs) == len(set(epochs))
        assert self.ledger.epoch == max(self.given, default=0)


LeaseLife.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestLeaseLife = LeaseLife.TestCase


def test_a_lease_holds_until_its_time_and_not_a_moment_longer():
    ledger, lease = granted(a_ledger())
    assert lease.expires_at == NOW + LEASE_TTL
    just_before = lease.expires_at - timedelta(microseconds=1)
    assert leases.holders(ledger, now=just_before) == (lease,)
    assert leases.holders(ledger, now=lease.expires_at) == ()


def test_a_claim_on_a_lease_out_of_time_need_not_wait_for_it_to_be_ended():
    ledger, lease = granted(a_ledger())
    _, other = granted(ledger, TASKS[1], "/a/", now=lease.expires_at)
    assert other.epoch == lease.epoch + 1


def test_a_task_whose_lease_ran_out_comes_back_under_a_new_epoch():
    ledger, lease = granted(a_ledger())
    again, fresh = granted(ledger, now=lease.expires_at)
    assert fresh.epoch == lease.epoch + 1
    assert leases.current(again, TASKS[0], lease.epoch, now=lease.expires_at) is None


def test_an_epoch_is_not_given_out_again_although_nobody_remembers_its_lease():
    _, lease = granted(a_ledger(epoch=41))
    assert lease.epoch == 42


def test_asking_again_does_not_prolong():
    ledger, lease = granted(a_ledger())
    again, same = granted(ledger, now=NOW + LEASE_TTL / 2)
    assert same == lease
    assert again == ledger


def test_a_released_epoch_cannot_be_renewed():
    ledger, lease = granted(a_ledger())
    ledger, _ = leases.release(ledger, TASKS[0])
    decision = leases.renew(ledger, TASKS[0], lease.epoch, now=NOW)
    assert isinstance(decision, Refused)
    assert f"epoch {lease.epoch}" in decision.reason


def test_the_ledger_that_was_given_stays_as_it_was():
    ledger, lease = granted(a_ledger())
    before = ledger.model_dump_json()
    granted(ledger, TASKS[1], "/b/")
    leases.renew(ledger, TASKS[0], lease.epoch, now=NOW + SECOND)
    leases.release(ledger, TASKS[0])
    leases.expire(ledger, now=lease.expires_at)
    assert ledger.model_dump_json() == before


def test_only_the_latest_ended_leases_are_kept_and_all_held_ones():
    ledger, _ = granted(a_ledger(), TASKS[1], "/b/")
    for _ in range(MAX_ENDED_LEASES + 10):
        ledger, last = granted(ledger, TASKS[0], "/a/")
        ledger, _ = leases.release(ledger, TASKS[0])
    ended = [each for each in ledger.leases if each.state is not LeaseState.HELD]
    assert len(ended) == MAX_ENDED_LEASES
    assert ended[-1].epoch == last.epoch
    assert [each.task_id for each in leases.holders(ledger, now=NOW)] == [TASKS[1]]


@pytest.mark.parametrize("end", ["release", "expire"])
def test_what_ended_says_how_and_does_not_end_again(end):
    ledger, lease = granted(a_ledger())
    if end == "release":
        once, ended = leases.release(ledger, TASKS[0])
        rest = leases.expire(once, now=lease.expires_at)
    else:
        once, ended = leases.expire(ledger, now=lease.expires_at)
        rest = leases.release(once, TASKS[0])
    assert [(each.epoch, str(each.state)) for each in ended] == [(lease.epoch, f"{end}d")]
    assert rest == (once, ())
