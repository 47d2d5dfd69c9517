"""Which changes wait for a person's word, and for what that word is good."""

import pytest

from services.validator.approval.domain import (
    changes_tried_next,
    invalid_approval_reason,
    policy_reason,
    uncovered_reason,
)
from services.validator.approval.usecases import request_approvals
from services.validator.prepared import PreparedHead
from shared.contracts.documents.enhancements import Approval
from shared.contracts.documents.protection import LostCoverage, Protection
from shared.contracts.events import ApprovalRequested
from shared.targets.config import parse_config
from shared.targets.profile import profile_target
from tests.support.builders import COMMIT, NOW, SHA, a_target, a_task, an_enhancement
from tests.support.memory import a_store
from tests.support.trees import FakeTree
from tests.support.validator_deps import a_validator

OTHER = "b" * 64
MOVED = "d" * 40


def word(**fields):
    known = {"by": "ann", "reason": "fine", "patch": SHA, "base": COMMIT, "at": NOW}
    return Approval(**{**known, **fields})


@pytest.mark.parametrize(
    ("policy", "change", "trusted", "why"),
    [
        ("", {}, True, ""),
        ("", {}, False, "isolates too little"),
        ('approval = "all"', {}, True, "approval of every change"),
        ('approval = "unsafe"', {"safe": True}, True, ""),
        ('approval = "unsafe"', {"safe": False}, True, "may change behaviour"),
        ("", {"files": ("tests/test_m.py",)}, True, "what judges it: tests/test_m.py"),
        ('approval = "none"', {"files": ("conftest.py",)}, True, "what judges it"),
    ],
)
def test_the_policy_says_which_changes_need_approval(policy, change, trusted, why):
    config = parse_config(f"[policy]\n{policy}\n".encode())
    found = policy_reason(an_enhancement(**change), config, tier="X", trusted=trusted)
    assert (why in found) if why else not found


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (("pay/x.py",), "every change in pay"),
        (("a.py", "pay/new.py"), "every change in pay"),
        (("pay/free/y.py", "a.py"), ""),
    ],
)
def test_a_component_may_require_approval_of_every_change_there(files, why):
    config = parse_config(
        b'[[component]]\nname = "pay"\npaths = ["/pay/"]\napproval = "required"\n'
        b'[[component]]\nname = "free"\npaths = ["/pay/free/"]\n'
    )
    change = an_enhancement(files=files)
    found = policy_reason(change, config, tier="X", trusted=True, proven=True)
    assert (why in found) if why else not found


def test_a_proven_change_does_not_change_behaviour_whatever_its_fix_may():
    unsafe, every = (
        parse_config(f'[policy]\napproval = "{each}"\n'.encode()) for each in ("unsafe", "all")
    )
    change = an_enhancement(safe=False)
    assert not policy_reason(change, unsafe, tier="X", trusted=True, proven=True)
    assert policy_reason(change, every, tier="X", trusted=True, proven=True)
    assert policy_reason(change, unsafe, tier="X", trusted=False, proven=True)


def test_what_no_test_reaches_any_more_is_named_with_how_many_did():
    lost = [LostCoverage(path="m.py", function=name, tests_before=3) for name in ("f", "A.g")]
    one, two = (Protection(state="unprotected", uncovered=tuple(lost[:n])) for n in (1, 2))
    said = "it lowers coverage: m.py: no test reaches `f` any more, and 3 did before"
    assert uncovered_reason(one) == said
    assert uncovered_reason(two) == said + ", and 1 more"
    assert not uncovered_reason(Protection(state="unprotected"))
    assert not uncovered_reason(None)


@pytest.mark.parametrize(
    ("approval", "why"),
    [
        (None, ""),
        (word(), ""),
        (word(patch=OTHER), "its patch changed"),
        (word(base=MOVED), "the base branch moved"),
    ],
)
def test_a_word_is_for_one_patch_on_one_base(approval, why):
    found = invalid_approval_reason(an_enhancement(patch=SHA, approval=approval), COMMIT)
    assert (why in found) if why else not found


@pytest.mark.parametrize(
    ("approval", "base", "state"),
    [
        (None, COMMIT, "needs_approval"),
        (word(), COMMIT, "validating"),
        (word(), MOVED, "needs_approval"),
        (word(patch=OTHER), COMMIT, "needs_approval"),
    ],
)
async def test_what_has_passed_lands_only_with_a_word_that_is_still_good(
    tmp_path, approval, base, state
):
    deps = a_validator(a_store(), tmp_path)
    change = an_enhancement(state="validating", patch=SHA, approval=approval)
    await deps.store.enhancements.insert(change)
    described = profile_target(FakeTree({"groundswell.toml": '[policy]\napproval = "all"\n'}))
    place = PreparedHead(a_target(), None, COMMIT, described, None)
    object.__setattr__(deps.sandbox, "trusted", True)
    asked = await request_approvals([change], place, base, lambda _: ("31 tests ran",), deps)
    stored = await deps.store.enhancements.require(change.id)
    assert stored.state == state
    assert [each.id for each in asked] == ([change.id] if state == "needs_approval" else [])
    if asked:
        assert stored.decision.approval is None
        assert stored.decision.evidence == ("31 tests ran",)
        assert len(deps.bus.of(ApprovalRequested)) == 1


def test_approved_edits_of_tests_are_tried_alone_after_all_that_does_not_build_on_them():
    one, other, config = a_task(), a_task(), parse_config(b"")
    edits = {"files": ("m.py", "tests/test_m.py")}
    first, approved, later = (
        an_enhancement(one, key="first"),
        an_enhancement(one, key="approved", approval=word(), **edits),
        an_enhancement(one, key="later"),
    )
    waiting, moved = (
        an_enhancement(other, key="waiting", **edits),
        an_enhancement(other, key="moved", approval=word(base=MOVED), **edits),
    )
    ready = [first, approved, later, waiting, moved]
    assert changes_tried_next(ready, COMMIT, config) == [first, waiting, moved]
    assert changes_tried_next([approved, later], COMMIT, config) == [approved]
    also = an_enhancement(other, key="also", approval=word(), **edits)
    assert changes_tried_next([approved, also], COMMIT, config) == [approved]
