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


def shown(*groups):
    console = Console(width=300, file=io.StringIO(), highlight=False)
    show_groups(ApprovalGroups(groups=groups), console)
    return console.file.getvalue()


def a_group(rule, size):
    changes = [
        ChangeNeedingApproval(
            id=uuid7(), title=f"one {n}", component="shop", files=("m.py",), asks="", evidence=()
        )
        for n in range(size)
    ]
    return ApprovalGroup(
        reason="it is unprotected", rule=rule, component="shop", changes=tuple(changes)
    )


def test_each_group_is_shown_with_the_command_that_approves_it():
    text = shown(a_group("ruff:RET505", 7), a_group("ruff:SIM108", 1))
    assert "RET505 in shop: 7 changes" in text
    assert "and 2 more" in text
    assert 'enhancement approve --all --rule SIM108 --component shop --reason "…"' in text
    assert "8 changes in 2 groups" in text
    assert shown() == "No change needs approval.\n"
