"""Deciding about changes in a terminal: which are named, and how groups are shown."""

import io

import pytest
import typer
from rich.console import Console

from cli.decisions import _selection, show_groups
from shared.contracts.commands import ApprovalFilter
from shared.contracts.report import ChangeNeedingApproval
from shared.contracts.views import ApprovalGroup, ApprovalGroups
from shared.kernel.ids import uuid7

URL = "https://example.org/shop.git"


def test_changes_are_named_by_ids_or_all_of_a_rule_and_component():
    assert _selection(["a", "b"], "", "", URL, every=False) == ["a", "b"]
    every = _selection(None, "RET505", "shop", URL, every=True)
    assert every == ApprovalFilter(target=URL, rule="RET505", component="shop")


@pytest.mark.parametrize(
    ("ids", "rule", "every"), [(None, "", False), (["a"], "", True), (["a"], "RET505", False)]
)
def test_both_or_neither_is_refused(ids, rule, every):
    with pytest.raises(typer.BadParameter, match="--all"):
        _selection(ids, rule, "", URL, every=every)


def shown(*groups, **typed):
    console = Console(width=300, file=io.StringIO(), highlight=False)
    show_groups(ApprovalGroups(groups=groups), ApprovalFilter(**{"target": ".", **typed}), console)
    return console.file.getvalue()


def a_group(rule, size, reason="it is unprotected", component="shop"):
    changes = [
        ChangeNeedingApproval(
            id=uuid7(), title=f"one {n}", component=component, files=("m.py",), asks="", evidence=()
        )
        for n in range(size)
    ]
    return ApprovalGroup(reason=reason, rule=rule, component=component, changes=tuple(changes))


def test_each_group_is_shown_with_the_command_that_approves_it():
    text = shown(a_group("ruff:RET505", 7), a_group("ruff:SIM108", 1))
    assert "RET505 in shop: 7 changes" in text
    assert "and 2 more" in text
    assert 'enhancement approve --all --rule ruff:SIM108 --component shop --reason "…"' in text
    assert "8 changes in 2 groups" in text
    assert shown() == "No change needs approval.\n"


def test_people_decide_about_nodes_and_connections_where_a_change_has_such_words():
    group = a_group("n8n:missing-target", 1)
    change = group.changes[0].model_copy(update={"outline": "w.json:\n  - connection 'A' → 'B'"})
    assert "  - connection 'A' → 'B'" in shown(group.model_copy(update={"changes": (change,)}))


def test_a_group_that_shares_its_rule_and_component_is_approved_by_its_ids():
    first, second = (a_group("ruff:RET505", 2, reason=each) for each in ("one", "another"))
    text = shown(first, second)
    assert "--rule" not in text
    for group in (first, second):
        ids = " ".join(each.id[-8:] for each in group.changes)
        assert f'enhancement approve {ids} --reason "…"' in text


def test_a_group_without_a_rule_is_approved_by_its_ids():
    group = a_group("", 1)
    assert f'enhancement approve {group.changes[0].id[-8:]} --reason "…"' in shown(group)


def test_the_commands_select_what_was_asked_for_whatever_it_is_called():
    text = shown(a_group("own:X 1", 1, component="a $(b)"), target="/my repo", component="a $(b)")
    selecting = "--all --rule 'own:X 1' --component 'a $(b)' --target '/my repo' --reason"
    assert f"enhancement approve {selecting}" in text
    assert "approve all" in text.splitlines()[-1]
    everything = "approve --all --component 'a $(b)' --target '/my repo' --reason"
    assert everything in text.splitlines()[-1]
