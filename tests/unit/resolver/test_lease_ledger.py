"""Decisions on a lease ledger; tests/unit/resolver/test_lease_life.py has them in any order."""

from datetime import timedelta

import pytest

from services.resolver.domain import leases
from services.resolver.domain.book import LeaseBook
from services.resolver.domain.leases import (
    AGEING,
    LEASE_TTL,
    WAITING_TTL,
    Claim,
    Granted,
    Refused,
)
from shared.contracts.base import Priority
from shared.contracts.documents.leases import Lease, LeaseLedger
from shared.kernel.ids import uuid7
from tests.support.builders import NOW

ANN, BOB, CAT = (uuid7() for _ in range(3))
WAVE = uuid7()
SECOND = timedelta(seconds=1)


def a_book(**fields):
    return LeaseBook(LeaseLedger(id=uuid7(), **fields))


def asked(book, task=ANN, *paths, now=NOW, priority=Priority.NORMAL):
    claim = Claim(task, WAVE, f"of-{task[-2:]}", paths or ("/a/",), priority)
    decision = leases.acquire(book, claim, now=now)
    book.apply(decision.change)
    return decision


def granted(book, task=ANN, *paths, **fields) -> Lease:
    decision = asked(book, task, *paths, **fields)
    assert isinstance(decision, Granted), decision
    return decision.lease


def refused(book, task=BOB, *paths, **fields) -> str:
    decision = asked(book, task, *paths, **fields)
    assert isinstance(decision, Refused), decision
    return decision.reason


def released(book, task=ANN):
    ended = leases.release(book, task)
    book.apply(ended.change)
    return ended.change


class TestGranting:
    def test_a_lease_holds_until_its_time_and_not_a_moment_longer(self):
        book = a_book()
        lease = granted(book)
        assert lease.expires_at == NOW + LEASE_TTL
        just_before = lease.expires_at - timedelta(microseconds=1)
        assert leases.holders(book, now=just_before) == (lease,)
        assert leases.holders(book, now=lease.expires_at) == ()

    @pytest.mark.parametrize("paths", [("/a/",), ("/a/x/y.py",), ("*.py",), ("/b/", "/a/x/")])
    def test_an_ancestor_itself_and_a_descendant_are_refused_and_nothing_of_the_claim_is_held(
        self, paths
    ):
        book = a_book()
        granted(book, ANN, "/a/x/")
        assert f"is leased to task {ANN}" in refused(book, BOB, *paths)
        assert set(book.held) == {ANN}

    def test_siblings_are_granted(self):
        book = a_book()
        epochs = [
            granted(book, task, path).epoch
            for task, path in ((ANN, "/a/x/"), (BOB, "/a/y/"), (CAT, "/a/x.py"))
        ]
        assert epochs == [1, 2, 3]

    def test_a_claim_over_a_lease_out_of_time_ends_it_in_the_same_change(self):
        book = a_book()
        lease = granted(book)
        other = granted(book, BOB, now=lease.expires_at)
        assert other.epoch == lease.epoch + 1
        assert set(book.held) == {BOB}
        assert [str(each.state) for each in book.ended.values()] == ["expired"]

    def test_a_task_whose_lease_ran_out_comes_back_under_a_new_epoch(self):
        book = a_book()
        lease = granted(book)
        assert granted(book, now=lease.expires_at).epoch == lease.epoch + 1
        assert list(book.ended) == [str(lease.epoch)]

    def test_an_epoch_is_not_given_out_again_although_nobody_remembers_its_lease(self):
        assert granted(a_book(epoch=41)).epoch == 42

    def test_asking_again_does_not_prolong(self):
        book = a_book()
        lease = granted(book)
        decision = asked(book, now=NOW + LEASE_TTL / 2)
        assert decision == Granted(lease)
        assert not decision.change

    def test_a_decision_changes_nothing_before_it_is_applied(self):
        book = a_book()
        lease = granted(book)
        before = (book.epoch, dict(book.held), dict(book.waiting), dict(book.ended), book.version)
        claim = Claim(BOB, WAVE, "c", ("/b/",))
        leases.acquire(book, claim, now=NOW)
        leases.extend(book, ANN, lease.epoch, ["/c/"], now=NOW)
        leases.renew(book, ANN, lease.epoch, now=NOW + SECOND)
        leases.release(book, ANN)
        leases.expire(book, now=lease.expires_at)
        assert before == (book.epoch, book.held, book.waiting, book.ended, book.version)


class TestExtending:
    def test_it_keeps_its_epoch_and_covers_more(self):
        book = a_book()
        lease = granted(book)
        decision = leases.extend(book, ANN, lease.epoch, ["/b/", "/a/"], now=NOW)
        assert (decision.lease.epoch, decision.lease.paths) == (lease.epoch, ("/a/", "/b/"))
        book.apply(decision.change)
        assert "is leased" in refused(book, BOB, "/b/x.py")

    def test_what_another_holds_is_refused_at_once_and_does_not_wait(self):
        book = a_book()
        lease = granted(book)
        granted(book, BOB, "/b/x/")
        decision = leases.extend(book, ANN, lease.epoch, ["/b/"], now=NOW)
        assert isinstance(decision, Refused)
        assert not decision.change

    @pytest.mark.parametrize(("epoch", "late"), [(2, timedelta()), (1, LEASE_TTL)])
    def test_it_takes_the_present_epoch(self, epoch, late):
        book = a_book()
        granted(book)
        assert isinstance(leases.extend(book, ANN, epoch, ["/b/"], now=NOW + late), Refused)


class TestRenewing:
    def test_a_released_epoch_cannot_be_renewed(self):
        book = a_book()
        lease = granted(book)
        released(book)
        decision = leases.renew(book, ANN, lease.epoch, now=NOW)
        assert isinstance(decision, Refused)
        assert f"epoch {lease.epoch}" in decision.reason

    def test_a_slow_clock_does_not_make_it_shorter(self):
        book = a_book()
        lease = granted(book)
        assert leases.renew(book, ANN, lease.epoch, now=NOW - SECOND) == Granted(lease)


class TestWaiting:
    def test_who_waited_for_it_gets_it_before_who_comes_later(self):
        book = a_book()
        granted(book, ANN, "/a/x/")
        refused(book, BOB, "/a/")
        assert f"is kept for task {BOB}" in refused(book, CAT, "/a/y/", now=NOW + SECOND)
        released(book)
        assert isinstance(asked(book, CAT, "/a/y/", now=NOW + SECOND), Refused)
        assert granted(book, BOB, "/a/", now=NOW + SECOND)
        assert BOB not in book.waiting

    def test_a_higher_priority_goes_first(self):
        book = a_book()
        granted(book)
        refused(book, BOB)
        refused(book, CAT, now=NOW + SECOND, priority=Priority.HIGH)
        released(book)
        assert "is kept" in refused(book, BOB, now=NOW + 2 * SECOND)
        assert granted(book, CAT, now=NOW + 2 * SECOND, priority=Priority.HIGH)

    def test_a_claim_ages_past_later_ones_of_the_next_priority(self):
        book, now = a_book(), NOW
        lease = granted(book)
        while now < NOW + AGEING + SECOND:
            refused(book, BOB, now=now)
            now += WAITING_TTL / 2
            book.apply(leases.renew(book, ANN, lease.epoch, now=now).change)
        assert "is leased" in refused(book, CAT, now=now, priority=Priority.HIGH)
        released(book)
        assert "is kept" in refused(book, CAT, now=now, priority=Priority.HIGH)
        assert granted(book, BOB, now=now)

    def test_who_does_not_ask_any_more_keeps_no_place(self):
        book = a_book()
        granted(book, ANN, "/a/x/")
        refused(book, BOB, "/a/")
        later = NOW + WAITING_TTL
        assert granted(book, CAT, "/a/y/", now=later)
        book.apply(leases.expire(book, now=later).change)
        assert not book.waiting

    def test_who_waits_is_in_nobodys_way_elsewhere(self):
        book = a_book()
        granted(book)
        refused(book, BOB, "/a/", "/b/")
        assert granted(book, CAT, "/c/")

    def test_asking_again_soon_saves_nothing(self):
        book = a_book()
        granted(book)
        refused(book)
        assert not asked(book, BOB, now=NOW + SECOND).change
        assert asked(book, BOB, now=NOW + WAITING_TTL / 2).change


class TestEnding:
    @pytest.mark.parametrize("end", ["release", "expire"])
    def test_what_ended_says_how_and_does_not_end_again(self, end):
        book = a_book()
        lease = granted(book)
        for _ in range(2):
            change = (
                leases.release(book, ANN)
                if end == "release"
                else leases.expire(book, now=lease.expires_at)
            ).change
            book.apply(change)
        assert not change
        assert [(each.epoch, str(each.state)) for each in book.ended.values()] == [
            (lease.epoch, f"{end}d")
        ]

    def test_releasing_an_old_epoch_leaves_the_present_lease(self):
        book = a_book()
        lease = granted(book)
        assert not leases.release(book, ANN, lease.epoch - 1).change
        assert leases.release(book, ANN, lease.epoch).change

    def test_it_is_forgotten_once_its_end_is_published(self):
        book = a_book()
        lease = granted(book)
        released(book)
        book.apply(leases.forget(book, [lease.epoch, 99]).change)
        assert not book.ended
