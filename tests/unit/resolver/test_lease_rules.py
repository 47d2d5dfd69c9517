"""Leases: exclusive, all or nothing, with epochs that only grow."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.resolver.domain import leases
from services.resolver.domain.leases import Claim, Granted, Refused
from services.resolver.domain.overlaps import overlap
from shared.contracts.documents import LeaseLedger
from shared.contracts.states import LeaseState
from shared.targets.components import matches
from tests.support.builders import NOW

TARGET = "01900000-0000-7000-8000-000000000000"
TASKS = [f"01900000-0000-7000-8000-00000000000{n}" for n in range(1, 6)]
PATHS = [("/a/",), ("/b/",), ("/a/x/",), ("/a/*.py",), ("/b/", "/c/"), ("*.py",), ("/c/m.py",)]


def a_ledger():
    return LeaseLedger(id=TARGET)


def claim(task=0, paths=("/a/",)):
    return Claim(TASKS[task], TARGET, f"component-{task}", paths)


def granted(ledger, *args, now=NOW):
    decision = leases.acquire(ledger, claim(*args), now=now)
    assert isinstance(decision, Granted)
    return decision.ledger, decision.lease


def test_who_is_in_the_way_is_named():
    ledger, _ = granted(a_ledger(), 0, ("/a/",))
    decision = leases.acquire(ledger, claim(1, ("/a/x/",)), now=NOW)
    assert isinstance(decision, Refused)
    assert "component-0" in decision.reason


def test_a_claim_is_granted_whole_or_not_at_all():
    ledger, _ = granted(a_ledger(), 0, ("/c/m.py",))
    decision = leases.acquire(ledger, claim(1, ("/b/", "/c/")), now=NOW)
    assert isinstance(decision, Refused)
    assert len(leases.holders(ledger, now=NOW)) == 1


def test_asking_again_gives_the_same_lease():
    ledger, lease = granted(a_ledger(), 0)
    again, same = granted(ledger, 0)
    assert same.epoch == lease.epoch
    assert len(leases.holders(again, now=NOW)) == 1


def test_a_lease_that_nobody_renews_ends_and_its_epoch_is_dead():
    ledger, lease = granted(a_ledger(), 0)
    later = NOW + leases.TIME_TO_LIVE + timedelta(seconds=1)
    assert leases.current(ledger, TASKS[0], lease.epoch, now=later) is None
    assert isinstance(leases.renew(ledger, TASKS[0], lease.epoch, now=later), Refused)
    ended, expired = leases.expire(ledger, now=later)
    assert [each.state for each in expired] == [LeaseState.EXPIRED]
    _, fresh = granted(ended, 1, ("/a/",), now=later)
    assert fresh.epoch > lease.epoch


def test_renewing_takes_the_right_epoch():
    ledger, lease = granted(a_ledger(), 0)
    later = NOW + leases.TIME_TO_LIVE / 2
    assert isinstance(leases.renew(ledger, TASKS[0], lease.epoch + 1, now=later), Refused)
    assert isinstance(leases.renew(ledger, TASKS[1], lease.epoch, now=later), Refused)
    decision = leases.renew(ledger, TASKS[0], lease.epoch, now=later)
    assert isinstance(decision, Granted)
    beyond = NOW + leases.TIME_TO_LIVE + timedelta(seconds=1)
    assert leases.current(decision.ledger, TASKS[0], lease.epoch, now=beyond)


def test_releasing_twice_is_the_same_as_once():
    ledger, _ = granted(a_ledger(), 0)
    once, ended = leases.release(ledger, TASKS[0])
    twice, nothing = leases.release(once, TASKS[0])
    assert len(ended) == 1
    assert not nothing
    assert twice == once


steps = st.lists(
    st.tuples(
        st.sampled_from(["acquire", "renew", "release", "expire"]),
        st.integers(0, 4),
        st.sampled_from(PATHS),
        st.integers(0, 40),
    ),
    max_size=40,
)


@given(steps)
def test_held_leases_never_overlap_and_epochs_only_grow(history):
    ledger, now, given_out = a_ledger(), NOW, []
    for action, task, paths, seconds in history:
        now += timedelta(seconds=seconds)
        if action == "acquire":
            fresh, _ = leases.expire(ledger, now=now)
            decision = leases.acquire(fresh, claim(task, paths), now=now)
            if isinstance(decision, Granted):
                ledger = decision.ledger
                if decision.lease.epoch not in given_out:
                    assert all(decision.lease.epoch > each for each in given_out)
                    given_out.append(decision.lease.epoch)
        elif action == "renew" and given_out:
            decision = leases.renew(ledger, TASKS[task], given_out[-1], now=now)
            ledger = decision.ledger if isinstance(decision, Granted) else ledger
        elif action == "release":
            ledger, _ = leases.release(ledger, TASKS[task])
        else:
            ledger, _ = leases.expire(ledger, now=now)
        held = leases.holders(ledger, now=now)
        for n, one in enumerate(held):
            for other in held[n + 1 :]:
                assert not overlap(one.paths, other.paths)


names = st.sampled_from(["a", "b", "src", "m.py", "n.py", "x"])
concrete = st.lists(names, min_size=1, max_size=4).map("/".join)
pieces = st.sampled_from(["a", "b", "src", "m.py", "*.py", "*", "**", "x", "[ab]", "?"])
patterns = st.tuples(
    st.sampled_from(["", "/"]),
    st.lists(pieces, min_size=1, max_size=4).map("/".join),
    st.sampled_from(["", "/"]),
).map("".join)


@given(patterns, patterns, st.lists(concrete, max_size=12))
def test_patterns_that_share_a_file_overlap(one, other, paths):
    if any(matches(path, [one]) and matches(path, [other]) for path in paths):
        assert overlap([one], [other])


def test_sibling_components_do_not_overlap():
    assert not overlap(["/shop/orders/"], ["/shop/pricing/"])
    assert not overlap(["/shop/*.py"], ["/shop/orders/"])
    assert overlap(["/shop/"], ["/shop/orders/"])
    assert overlap(["/Shop/"], ["/shop/"]), "a file system may not tell them apart"
