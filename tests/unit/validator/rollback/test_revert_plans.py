"""Which changes have to go so that some can: on a real repository, without running anything."""

import pytest

from services.validator.rollback.domain import RevertConflictError, RevertibleChange, plan_reverts
from tests.support.landing import Yard, a_yard
from tests.support.repositories import commit, git

TEN = "".join(f"line {n}\n" for n in range(10))


def changed(text: str, line: int, to: str) -> str:
    lines = text.splitlines(keepends=True)
    lines[line] = f"{to}\n"
    return "".join(lines)


@pytest.fixture
def yard(tmp_path) -> Yard:
    return a_yard(tmp_path, a_txt=TEN, b_txt=TEN)


def landed(yard: Yard, *changes: tuple[str, int, str]) -> list[RevertibleChange]:
    """Land one change of one line after the other; newest first, as a branch shows them."""
    texts = {"a.txt": TEN, "b.txt": TEN}
    steps = []
    for number, (path, line, to) in enumerate(changes):
        after = changed(texts[path], line, to)
        made = yard.land(path, texts[path], after, identity=f"e{number}")
        steps.append(RevertibleChange(f"e{number}", made, (path,)))
        texts[path] = after
    return steps[::-1]


def undone(yard: Yard, stack: list[RevertibleChange], *chosen: str):
    tree = yard.mirror.tree(yard.head()).oid
    return plan_reverts(tree, stack, chosen, yard.repository.revert)


def test_what_nothing_depends_on_goes_alone(yard):
    stack = landed(yard, ("a.txt", 0, "x"), ("a.txt", 9, "y"), ("b.txt", 0, "z"))
    found = undone(yard, stack, "e0")
    assert found.order == ("e0",)
    assert yard.content(found.tree, "a.txt") == changed(TEN, 9, "y").encode()


def test_a_later_change_of_the_same_line_goes_as_well_and_no_other(yard):
    stack = landed(
        yard, ("a.txt", 0, "x"), ("a.txt", 9, "far"), ("a.txt", 0, "xx"), ("b.txt", 0, "z")
    )
    found = undone(yard, stack, "e0")
    assert found.order == ("e2", "e0")
    assert yard.content(found.tree, "a.txt") == changed(TEN, 9, "far").encode()


def test_a_chain_of_changes_goes_back_to_its_beginning(yard):
    stack = landed(yard, *(("a.txt", 3, f"version {n}") for n in range(4)))
    found = undone(yard, stack, "e1")
    assert found.order == ("e3", "e2", "e1")
    assert yard.content(found.tree, "a.txt") == changed(TEN, 3, "version 0").encode()


def test_rolling_everything_back_restores_the_base_byte_for_byte(yard):
    base = git(yard.place, "rev-parse", "main^{tree}")
    stack = landed(
        yard, ("a.txt", 0, "x"), ("b.txt", 5, "y"), ("a.txt", 0, "xx"), ("a.txt", 1, "near")
    )
    assert undone(yard, stack, *(each.id for each in stack)).tree == base


def test_a_foreign_commit_in_the_way_is_never_reverted(yard):
    stack = landed(yard, ("a.txt", 0, "x"))
    git(yard.place, "checkout", "--quiet", "groundswell/main")
    commit(yard.place, {"a.txt": changed(TEN, 0, "by hand")})
    git(yard.place, "checkout", "--quiet", "main")
    with pytest.raises(RevertConflictError) as caught:
        undone(yard, stack, "e0")
    assert caught.value.paths == ("a.txt",)


def test_a_long_chain_is_no_matter(yard):
    stack = landed(yard, *(("a.txt", n % 2, f"version {n}") for n in range(12)))
    assert len(undone(yard, stack, "e0").order) == 12


def test_of_two_chains_only_the_own_one_goes(yard):
    changes = [("a.txt", 0, "near 0"), ("a.txt", 9, "far 0"), ("a.txt", 9, "far 1")]
    stack = landed(yard, *changes, ("a.txt", 0, "near 1"), ("a.txt", 9, "far 2"))
    assert undone(yard, stack, "e0").order == ("e3", "e0")
    assert undone(yard, stack, "e1").order == ("e4", "e2", "e1")
