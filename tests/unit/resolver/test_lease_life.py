"""Leases through anything: two resolvers on one store do what a naive model says.

Their clocks differ and each remembers ledgers that the other has changed. They crash between saving
and publishing; requests come twice, late and out of order.
"""

import asyncio
import contextlib
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.resolver import leasing
from services.resolver.deps import ResolverDeps
from services.resolver.domain.overlaps import overlap
from shared.contracts.commands import AcquireLease, ExtendLease, ReleaseLease, RenewLease
from shared.contracts.documents.leases import LeaseLedger
from shared.contracts.events import LeaseExpired, LeaseGranted, LeaseReleased
from shared.kernel.errors import Transient
from shared.kernel.ids import uuid7
from tests.support.builders import NOW
from tests.support.buses import RecordingBus
from tests.support.memory import a_store
from tests.support.naive_leases import LEVELS, NaiveLeases
from tests.support.readers import FakeReader

TASKS = tuple(uuid7() for _ in range(5))
TARGET, WAVE = uuid7(), uuid7()
PATHS = (
    "/a/",
    "/a/x/",
    "/a/x/m.py",
    "/a/y/",
    "/a/*.py",
    "/b/",
    "/b/n.py",
    "/B/N.py",
    "/c/m?.py",
    "/c/m1.py",
    "*.md",
    "/",
)
paths = st.lists(st.sampled_from(PATHS), min_size=1, max_size=3, unique=True).map(tuple)
tasks, resolvers = st.sampled_from(TASKS), st.integers(0, 1)


class MortalBus(RecordingBus):
    """A bus that is gone for who is about to crash."""

    is_gone = False

    async def publish(self, message, *, key, wave=""):
        if self.is_gone:
            raise Transient("The process died.")
        await super().publish(message, key=key, wave=wave)


class LeaseLife(RuleBasedStateMachine):
    """Requests reach one resolver or the other; `epochs` is what each task was last told."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.skews = NOW, (0.0, 0.0)
        self.store, self.bus, self.model = a_store(), MortalBus(), NaiveLeases()
        self.epochs: dict[str, int] = {}
        self.late: list[object] = []
        self.resolvers = [self.resolver(n) for n in range(2)]

    @initialize(skews=st.tuples(st.integers(-40, 40), st.integers(-40, 40)))
    def clocks_differ(self, skews):
        self.skews = skews

    def resolver(self, number):
        def clock():
            return self.time(number)

        return ResolverDeps(self.store, self.bus, clock, FakeReader())

    def time(self, number):
        return self.now + timedelta(seconds=self.skews[number])

    @rule(seconds=st.integers(0, 45))
    def time_passes(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule(task=tasks, wanted=paths, priority=st.sampled_from(LEVELS), at=resolvers)
    def acquire(self, task, wanted, priority, at):
        self.send(
            AcquireLease(
                target_id=TARGET,
                wave_id=WAVE,
                task_id=task,
                component="c",
                paths=wanted,
                priority=priority,
            ),
            at,
        )

    @rule(task=tasks, wanted=paths, wrong=st.sampled_from([0, 0, -1, 1]), at=resolvers)
    def extend(self, task, wanted, wrong, at):
        epoch = self.epochs.get(task, 0) + wrong
        self.send(ExtendLease(target_id=TARGET, task_id=task, epoch=epoch, paths=wanted), at)

    @rule(task=tasks, wrong=st.sampled_from([0, 0, -1, 1]), at=resolvers)
    def renew(self, task, wrong, at):
        epoch = self.epochs.get(task, 0) + wrong
        self.send(RenewLease(target_id=TARGET, task_id=task, epoch=epoch), at)

    @rule(task=tasks, at=resolvers)
    def release(self, task, at):
        self.send(ReleaseLease(target_id=TARGET, task_id=task), at)

    @rule(at=resolvers)
    def expire(self, at):
        self.model.expire(self.time(at))
        deps = self.resolvers[at]
        asyncio.run(
            leasing._end(TARGET, lambda b: leasing.leases.expire(b, now=deps.clock()), deps)
        )

    @rule(at=resolvers, number=st.integers(0, 20))
    def a_late_or_repeated_request_arrives(self, at, number):
        if self.late:
            self.send(self.late[number % len(self.late)], at)

    @rule(at=resolvers, number=st.integers(0, 20))
    def a_resolver_dies_before_it_can_publish(self, at, number):
        if self.late:
            self.bus.is_gone = True
            with contextlib.suppress(Transient):
                self.send(self.late[number % len(self.late)], at)
            self.bus.is_gone = False
        self.resolvers[at] = self.resolver(at)

    def send(self, request, at):
        self.late.append(request)
        expected = self.expected(request, self.time(at))
        handler = {
            AcquireLease: leasing.acquire,
            ExtendLease: leasing.extend,
            RenewLease: leasing.renew,
            ReleaseLease: leasing.release,
        }[type(request)]
        answer = asyncio.run(handler(request, self.resolvers[at]))
        if not isinstance(request, ReleaseLease):
            assert (answer.epoch if answer.granted else None) == expected
        if expected is not None:
            self.epochs[request.task_id] = expected

    def expected(self, request, now):
        match request:
            case AcquireLease():
                return self.model.acquire(request.task_id, request.paths, request.priority, now)
            case ExtendLease():
                return self.model.extend(request.task_id, request.epoch, request.paths, now)
            case RenewLease():
                return self.model.renew(request.task_id, request.epoch, now)
        return self.model.release(request.task_id)

    def ledger(self) -> LeaseLedger:
        return asyncio.run(self.store.leases.get(TARGET)) or LeaseLedger(id=TARGET)

    @invariant()
    def the_ledger_says_what_the_model_says(self):
        ledger = self.ledger()
        assert ledger.epoch == self.model.epoch
        assert {
            key: (each.paths, each.epoch, each.expires_at) for key, each in ledger.held.items()
        } == {key: (each.paths, each.epoch, each.until) for key, each in self.model.held.items()}
        assert {key: (each.since, each.asked_at) for key, each in ledger.waiting.items()} == {
            key: (each.since, each.asked) for key, each in self.model.waiting.items()
        }

    @invariant()
    def held_leases_never_overlap_whatever_a_clock_says(self):
        held = list(self.ledger().held.values())
        for n, one in enumerate(held):
            assert not any(overlap(one.paths, other.paths) for other in held[n + 1 :])

    @invariant()
    def each_end_is_published_once_or_still_to_be_published(self):
        ended = {
            int(each.key.rpartition(":")[2])
            for each in self.bus.published
            if isinstance(each.message, LeaseReleased | LeaseExpired)
        }
        waiting = {int(each) for each in self.ledger().ended}
        assert ended | waiting == self.model.ended

    @invariant()
    def an_epoch_is_published_for_one_lease(self):
        granted = {(each.epoch, each.task_id) for each in self.bus.of(LeaseGranted)}
        assert len({epoch for epoch, _ in granted}) == len(granted)


LeaseLife.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestLeaseLife = LeaseLife.TestCase
