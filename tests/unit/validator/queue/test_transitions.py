"""State changes of enhancements: stored once, published afterwards, again after a crash."""

import pytest

from services.validator.queue import transitions
from services.validator.queue.state import PublishedOutcomes
from services.validator.queue.transitions import (
    EVENTS,
    MAX_LISTED_TESTS,
    REPUBLISH_WINDOW,
    expire,
    publish_outcome,
    publish_rollback_refused,
    publish_unpublished,
    reject,
    transition_and_publish,
)
from shared.contracts.documents.enhancements import Approval, Rollback
from shared.contracts.events import (
    ApprovalRequested,
    EnhancementApplied,
    EnhancementApproved,
    EnhancementExpired,
    EnhancementRejected,
    EnhancementRolledBack,
    RollbackRefused,
)
from shared.contracts.states import EnhancementState
from tests.support.builders import COMMIT, NOW, SHA, an_enhancement
from tests.support.memory import a_store
from tests.support.validator_deps import a_validator

MANY = tuple(f"t::{n}" for n in range(MAX_LISTED_TESTS + 5))
RUN = "01234567-0123-7123-8123-0123456789ab"
ROLLBACK = Rollback(commit=COMMIT, reason="slow", at=NOW, automatic=False)
APPROVAL = Approval(by="ann", reason="fine", patch=SHA, base=COMMIT, at=NOW)


@pytest.fixture
def deps(tmp_path):
    return a_validator(a_store(), tmp_path)


async def stored(deps, **fields):
    change = an_enhancement(**fields)
    await deps.store.enhancements.insert(change)
    return change


class TestStored:
    async def test_a_rejection_has_its_reason_its_tests_and_its_run(self, deps):
        change = await stored(deps, state="validating")
        await reject(change, "tests", deps, tests=MANY, run=RUN)
        found = await deps.store.enhancements.require(change.id)
        assert (found.state, found.decision.reason, found.decision.run) == (
            "rejected",
            "tests",
            RUN,
        )
        assert found.decision.tests == MANY
        assert found.finished_at == found.changed_at == deps.clock()
        [event] = deps.bus.of(EnhancementRejected)
        assert (event.reason, event.tests) == ("tests", MANY[:MAX_LISTED_TESTS])

    async def test_an_expired_change_is_blamed_for_nothing(self, deps):
        change = await stored(deps, state="cleared")
        await expire(change, "does not apply", deps)
        found = await deps.store.enhancements.require(change.id)
        assert (found.state, found.decision.tests) == ("expired", ())
        [event] = deps.bus.of(EnhancementExpired)
        assert (event.enhancement_id, event.reason) == (change.id, "does not apply")

    async def test_where_another_process_was_faster_its_outcome_is_published(self, deps):
        change = await stored(deps, state="validating")
        await deps.store.enhancements.transition(
            change, "reject", decision__reason="theirs", finished_at=NOW
        )
        result = await transition_and_publish(change, "expire", deps, decision__reason="ours")
        assert (result.state, result.decision.reason) == ("rejected", "theirs")
        assert not deps.bus.of(EnhancementExpired)
        [event] = deps.bus.of(EnhancementRejected)
        assert event.reason == "theirs"

    async def test_an_outcome_that_was_never_published_comes_before_the_next_one(self, deps):
        change = await stored(deps, state="applied", commit=COMMIT, branch="b", finished_at=NOW)
        await transition_and_publish(change, "roll_back", deps, landing__rollback=ROLLBACK)
        kinds = [type(each.message) for each in deps.bus.published]
        assert kinds == [EnhancementApplied, EnhancementRolledBack]

    @pytest.mark.parametrize(
        ("trigger", "state", "name"),
        [("land", "validated", "landing.saved"), ("roll_back", "applied", "rollback.saved")],
    )
    async def test_a_crash_may_come_between_the_state_and_its_event(
        self, deps, monkeypatch, trigger, state, name
    ):
        passed = []
        monkeypatch.setattr(
            transitions, "failpoint", lambda at: passed.append((at, len(deps.bus.published)))
        )
        change = await stored(deps, state=state, commit=COMMIT, branch="b")
        fields = {"landing__rollback": ROLLBACK} if trigger == "roll_back" else {}
        await transition_and_publish(change, trigger, deps, **fields)
        assert passed == [(name, 0)]
        assert len(deps.bus.published) == 1


class TestPublished:
    @pytest.mark.parametrize(
        ("fields", "kind"),
        [
            ({"state": "applied", "commit": COMMIT, "branch": "b"}, EnhancementApplied),
            ({"state": "rejected", "reason": "why"}, EnhancementRejected),
            ({"state": "expired", "reason": "why"}, EnhancementExpired),
            ({"state": "rolled_back", "rollback": ROLLBACK}, EnhancementRolledBack),
            ({"state": "needs_approval", "approval_reason": "why"}, ApprovalRequested),
            ({"state": "cleared", "approval": APPROVAL}, EnhancementApproved),
        ],
    )
    async def test_each_outcome_has_its_event_which_names_the_change(self, deps, fields, kind):
        change = an_enhancement(**fields)
        await publish_outcome(change, deps)
        [published] = deps.bus.published
        assert type(published.message) is kind
        assert published.wave == published.message.wave_id == change.wave_id
        assert published.message.enhancement_id == change.id
        assert published.message.target_id == change.target_id
        assert published.message.title == change.proposal.title

    @pytest.mark.parametrize("state", [each for each in EnhancementState if each not in EVENTS])
    async def test_a_state_that_is_no_outcome_is_not_published(self, deps, state):
        await publish_outcome(an_enhancement(state=state), deps)
        assert not deps.bus.published

    async def test_the_same_outcome_is_published_under_the_same_key(self, deps):
        change = an_enhancement(state="rejected", reason="why")
        for version in (3, 4):
            await publish_outcome(change.updated(version=version), deps)
        assert len(set(deps.bus.identities())) == 1

    @pytest.mark.parametrize("fields", [{"state": "needs_approval"}, {"approval": APPROVAL}])
    async def test_an_outcome_that_may_come_again_has_a_key_for_each_time(self, deps, fields):
        change = an_enhancement(**{"state": "cleared", **fields})
        for version in (3, 4):
            await publish_outcome(change.updated(version=version), deps)
        assert len(set(deps.bus.identities())) == 2

    async def test_a_refused_rollback_is_published_with_its_reason_each_time(self, deps):
        change = an_enhancement(state="applied", rollback_refusal="it is needed")
        for _ in range(2):
            await publish_rollback_refused(change, MANY, deps)
        first, second = deps.bus.of(RollbackRefused)
        assert first == second
        assert (first.reason, first.tests) == ("it is needed", MANY[:MAX_LISTED_TESTS])
        assert len(set(deps.bus.identities())) == 2


class TestPublishedAgain:
    async def test_recent_outcomes_are_published_once_by_a_new_process(self, deps):
        change = await stored(deps, state="rejected", reason="why", finished_at=NOW)
        for _ in range(2):
            await publish_unpublished(deps)
        [event] = deps.bus.of(EnhancementRejected)
        assert event.enhancement_id == change.id

    async def test_an_outcome_that_this_process_published_is_not_published_again(self, deps):
        change = await stored(deps, state="validating")
        await reject(change, "why", deps)
        await publish_unpublished(deps)
        assert len(deps.bus.published) == 1

    async def test_an_outcome_is_left_alone_once_a_duplicate_would_be_stored_twice(self, deps):
        await stored(deps, state="rejected", reason="why", finished_at=NOW)
        deps.clock.go(seconds=REPUBLISH_WINDOW.total_seconds() + 1)
        await publish_unpublished(deps)
        assert not deps.bus.published


def test_what_was_published_is_remembered_by_change_and_state():
    published, change = PublishedOutcomes(), an_enhancement(state="applied")
    assert change not in published
    published.add(change)
    assert change in published
    assert change.updated(version=9) in published, "the state counts, not the version"
    assert change.updated(state="rolled_back") not in published
    assert an_enhancement(state="applied") not in published
