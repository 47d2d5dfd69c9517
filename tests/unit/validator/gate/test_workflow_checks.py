"""What a round makes of the answers of n8n: refused, a person is asked, or evidence."""

from types import SimpleNamespace

import pytest

from services.validator.approval.usecases import request_approvals
from services.validator.gate import workflows
from services.validator.gate.facts import ChangeFacts
from services.validator.gate.workflows import check_workflows
from services.validator.landing.usecases import Batch, evidence_of
from shared.contracts.documents.workflows import WorkflowCheck
from shared.contracts.states import EnhancementState
from shared.targets.config import parse_config
from tests.support.builders import a_test_run, a_wave, an_enhancement
from tests.support.memory import a_store
from tests.support.validator_deps import a_validator

TITLE = "fix(flows): try requests again"


def a_check(state):
    return WorkflowCheck(state=state, summary="'Sum' of 'Orders'", content="0" * 64, nodes=("Sum",))


class FakeRound:
    """Changes, each with its answer of n8n; `checked` has the trees that were compared."""

    def __init__(self, monkeypatch, *answers, safe=False):
        changes = [an_enhancement(files=("a.json",), title=TITLE, safe=safe) for _ in answers]
        self.changes = {each.id: each for each in changes}
        self.answers = dict(zip(self.changes, answers, strict=True))
        self.prepared = SimpleNamespace(tree="head")
        self.facts = ChangeFacts()
        self.checked, self.rejected, self.published = [], [], {}
        self.deps = SimpleNamespace(workflow_server=object())
        for name in ("compose", "check_change", "reject", "publish_workflow_checks"):
            monkeypatch.setattr(workflows, name, getattr(self, name))

    def remove(self, change):
        return self.changes.pop(change)

    async def compose(self, _, ids, __):
        return SimpleNamespace(steps=[(each, f"tree {n}") for n, each in enumerate(ids)])

    async def check_change(self, change, trees, _, __):
        self.checked.append(trees)
        return self.answers[change.id]

    async def reject(self, change, reason, _):
        self.rejected.append(reason)

    async def publish_workflow_checks(self, _, checks, __):
        self.published |= checks

    async def check(self):
        await check_workflows(self, self.deps)
        return self


async def test_each_change_is_compared_on_those_before_it(monkeypatch):
    found = await FakeRound(monkeypatch, a_check("same"), None, a_check("different")).check()
    assert found.checked == [("head", "tree 0"), ("tree 0", "tree 1"), ("tree 1", "tree 2")]
    first, _, third = found.changes
    assert list(found.facts.workflows) == [first, third]
    assert found.published == found.facts.workflows
    assert found.rejected == []


async def test_what_n8n_does_not_take_is_rejected(monkeypatch):
    found = await FakeRound(monkeypatch, a_check("refused")).check()
    assert found.rejected == ["n8n: 'Sum' of 'Orders'"]
    assert not found.changes


async def test_a_change_that_claims_to_keep_behaviour_and_does_not_is_rejected(monkeypatch):
    assert (await FakeRound(monkeypatch, a_check("different"), safe=True).check()).rejected
    assert not (await FakeRound(monkeypatch, a_check("unmeasured"), safe=True).check()).rejected


async def test_without_an_n8n_nothing_is_compared(monkeypatch):
    fake = FakeRound(monkeypatch, a_check("refused"))
    fake.deps = SimpleNamespace(workflow_server=None)
    assert (await fake.check()).checked == []


ASK = "it does something else in n8n: 'Sum' of 'Orders'"
UNKNOWN = "what it does in n8n was not measured: 'Sum' of 'Orders'"


@pytest.mark.parametrize(
    ("state", "allowed", "why"),
    [
        ("same", [], ""),
        ("different", [], ASK),
        ("different", ["http-no-retry"], ASK),
        ("unmeasured", [], UNKNOWN),
        ("unmeasured", ["http-no-retry"], ""),
    ],
)
async def test_a_person_is_asked_unless_all_returned_the_same(tmp_path, state, allowed, why):
    config = parse_config(f"[policy]\nallowed_rules = {allowed}".encode())
    prepared = SimpleNamespace(profile=SimpleNamespace(config=config))
    sandbox = SimpleNamespace(tier="A", trusted=True)
    deps = a_validator(a_store(), tmp_path, sandbox=sandbox)
    change = an_enhancement(
        files=("a.json",), rule="n8n:http-no-retry", state=EnhancementState.VALIDATING
    )
    await deps.store.enhancements.insert(change)
    await request_approvals(
        [change], prepared, "0" * 40, lambda _: (), deps, workflows={change.id: a_check(state)}
    )
    stored = await deps.store.enhancements.require(change.id)
    assert stored.decision.approval_reason == why
    assert (stored.state is EnhancementState.NEEDS_APPROVAL) == bool(why)


def test_the_commit_says_what_n8n_showed():
    change = an_enhancement(files=("a.json",))
    batch = Batch(
        target=None,
        prepared=SimpleNamespace(head="0" * 40),
        changes=[change],
        trees={},
        run=a_test_run(a_wave()),
        workflows={change.id: a_check("unmeasured")},
    )
    assert "What it does in n8n was not measured: 'Sum' of 'Orders'." in evidence_of(batch, change)
