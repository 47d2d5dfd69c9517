"""A change whose fix may change behaviour asks a person, unless its code shows that it does not."""

from types import SimpleNamespace

import pytest

from services.validator.approval import usecases
from services.validator.approval.domain import EditedFile, behaviour_reason
from services.validator.approval.usecases import (
    judge_behaviours,
    may_change_more,
    request_approvals,
)
from shared.behaviour import RepositoryNames
from shared.contracts.states import EnhancementState
from shared.kernel.errors import Rejected
from shared.targets.config import parse_config
from shared.targets.profile import profile_target
from tests.support.builders import an_enhancement
from tests.support.memory import a_store
from tests.support.trees import FakeTree
from tests.support.validator_deps import a_validator

EAGER = "def sent(workers):\n    return all([each.send() for each in workers])\n"
LAZY = "def sent(workers):\n    return all(each.send() for each in workers)\n"
SHOWN = (
    "def texts(a, b):\n    return all([isinstance(x, str) for x in (a, b)])\n",
    "def texts(a, b):\n    return all(isinstance(x, str) for x in (a, b))\n",
)


def prepared(config: str = ""):
    tree = FakeTree({"m.py": EAGER, "groundswell.toml": config})
    profile = profile_target(tree)
    return SimpleNamespace(profile=profile, names=RepositoryNames(tree))


async def judged(
    tmp_path, before=EAGER, after=LAZY, *, config="", path="m.py", is_proven=False, **fields
):
    """What is stored about a change, and the change once approval was requested if needed."""
    deps = a_validator(a_store(), tmp_path)
    object.__setattr__(deps.sandbox, "trusted", True)
    known = {"rule": "ruff:C419", "state": EnhancementState.VALIDATING}
    change = an_enhancement(**{**known, **fields})
    await deps.store.enhancements.insert(change)
    edits = {change.id: [EditedFile(path, before, after)]}
    place = prepared(config)
    asked = [change] if not is_proven or may_change_more(change) else []
    behaviours = await judge_behaviours(asked, place, edits, {}, deps)
    proofs = {change.id} if is_proven else ()
    known = {"proofs": proofs, "behaviours": behaviours, "edits": edits}
    await request_approvals([change], place, "b" * 40, lambda _: (), deps, **known)
    return await deps.store.enhancements.require(change.id)


async def test_a_fix_that_may_change_behaviour_asks_and_says_what_and_where(tmp_path):
    change = await judged(tmp_path)
    assert change.state is EnhancementState.NEEDS_APPROVAL
    reason = change.decision.approval_reason
    assert "its fix may change behaviour: how many of the elements are computed" in reason
    assert "m.py:2" in reason
    assert "`each.send()`" in reason


@pytest.mark.parametrize(("rule", "asks"), [("C419", False), ("PLC0414", True)])
async def test_a_proof_answers_only_for_what_is_in_the_program(tmp_path, rule, asks):
    """A re-export is there for type checkers and readers, and compiles to nothing."""
    before, after = "from a import b as b\n", "from a import b\n"
    taken = {"path": "m/__init__.py", "rule": f"ruff:{rule}", "is_proven": True}
    change = await judged(tmp_path, before, after, **taken)
    assert (change.state is EnhancementState.NEEDS_APPROVAL) is asks


async def test_neither_the_tools_word_nor_the_agents_overrides_it(tmp_path):
    claimed = ("laziness.short-circuit",)
    change = await judged(tmp_path, safe=True, conditions=claimed)
    assert change.state is EnhancementState.NEEDS_APPROVAL


async def test_a_shown_condition_asks_nobody_and_is_stored(tmp_path):
    change = await judged(tmp_path, *SHOWN)
    assert change.state is EnhancementState.VALIDATING
    assert "what they are drawn from is no iterator" in change.decision.behaviour.summary


async def test_a_change_is_judged_again_only_if_its_edits_are_other_ones(tmp_path, monkeypatch):
    deps, place, known, judging = a_validator(a_store(), tmp_path), prepared(), {}, []
    changes = [an_enhancement(rule="ruff:C419") for _ in range(2)]
    await deps.store.enhancements.insert_missing(changes)
    edits = {each.id: [EditedFile("m.py", *SHOWN)] for each in changes}
    judge = usecases.judge_behaviour
    monkeypatch.setattr(
        usecases, "judge_behaviour", lambda *some, **more: judging.append(1) or judge(*some, **more)
    )
    first = await judge_behaviours(changes, place, edits, known, deps)
    again = {each.id: [EditedFile("m.py", *SHOWN)] for each in changes}
    assert await judge_behaviours(changes, place, again, known, deps) == first
    assert len(judging) == 2
    again[changes[0].id] = [EditedFile("m.py", EAGER, LAZY)]
    second = await judge_behaviours(changes, place, again, known, deps)
    assert len(judging) == 3
    assert second[changes[0].id].open
    stored = await deps.store.enhancements.find_by_ids([each.id for each in changes])
    assert [each.decision.behaviour for each in stored] == [second[each.id] for each in changes]


async def test_another_edit_than_that_of_its_rule_asks(tmp_path):
    before, after = SHOWN
    change = await judged(tmp_path, before, after.replace("str", "bytes"))
    assert change.state is EnhancementState.NEEDS_APPROVAL


@pytest.mark.parametrize("rule", ["C419", "ruff:C419"])
async def test_a_policy_allows_a_rule_by_its_name(tmp_path, rule):
    change = await judged(tmp_path, config=f'[policy]\nallowed_rules = ["{rule}"]\n')
    assert change.state is EnhancementState.VALIDATING
    assert "allowed: the target's policy allows C419" in change.decision.behaviour.summary


async def test_a_policy_for_another_rule_allows_nothing(tmp_path):
    change = await judged(tmp_path, config='[policy]\nallowed_rules = ["SIM118"]\n')
    assert change.state is EnhancementState.NEEDS_APPROVAL


def test_a_rule_that_nobody_has_is_refused():
    with pytest.raises(Rejected, match=r"C4199 is the rule of no agent type; did you mean C419\?"):
        parse_config(b'[policy]\nallowed_rules = ["C4199"]\n')


async def test_an_undeclared_rule_may_change_anything(tmp_path):
    change = await judged(tmp_path, rule="claude:refactor")
    assert "anything: its rule declares nothing" in change.decision.approval_reason


async def test_comments_and_layout_ask_nobody(tmp_path):
    change = await judged(tmp_path, EAGER, f"# sends\n{EAGER}", rule="claude:comment")
    assert change.state is EnhancementState.VALIDATING


async def test_the_targets_own_command_is_permitted(tmp_path):
    change = await judged(tmp_path, "var a\n", "let a\n", path="a.js", rule="own:OWN")
    assert change.state is EnhancementState.VALIDATING
    assert "its maintainers use it anyway" in change.decision.behaviour.allowed


def test_a_change_that_was_not_judged_has_no_reason():
    assert behaviour_reason(None) == ""
