"""What a proposal changes and relies on, whatever its task proposed before it."""

from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from services.resolver.domain.conflicts import compare, rely_on_same_lines
from services.resolver.domain.footprints import WHOLE_FILE, LineEdit, make_footprint
from shared.contracts.documents.conflicts import ConflictKind
from shared.targets.hunks import apply_hunks
from shared.targets.patches import make_patch, parse_patch

# Each line is unique: where lines repeat, git, too, may find a hunk's place elsewhere.
LINES = [f"line {n}\n" for n in range(120)]
BASE = "".join(LINES)


def patch(before, after, path="m.py"):
    return parse_patch(make_patch({path: (_bytes(before), _bytes(after))}))


def _bytes(text):
    return None if text is None else text.encode()


def footprint(after, *, before=BASE, earlier=(), path="m.py", commit=BASE):
    """The footprint of an edit from `before` to `after`; `earlier` are texts on the way to it."""
    steps = [commit, *earlier]
    stack = [patch(a, b, path) for a, b in pairwise(steps)]
    content = {path: _bytes(commit)}
    return make_footprint(content, stack, patch(steps[-1] if earlier else before, after, path))


def edited(*edits):
    """The base with (start, end, text) replaced, last first."""
    lines = [*LINES]
    for start, end, text in sorted(edits, reverse=True):
        lines[start:end] = [text] if text else []
    return "".join(lines)


def test_a_footprint_has_the_edit_and_the_context_it_relies_on():
    found = footprint(edited((10, 11, "ten\n")))
    assert found.edits == {LineEdit("m.py", 10, 11, (b"ten\n",))}
    assert found.spans == {"m.py": ((7, 14),)}


def test_after_an_earlier_proposal_of_its_task_it_is_in_lines_of_the_commit_still():
    first = edited((2, 2, "new\n"), (5, 6, ""), (6, 7, ""))
    found = footprint(first.replace("line 30\n", "thirty\n"), earlier=(first,))
    assert found.edits == {LineEdit("m.py", 30, 31, (b"thirty\n",))}
    assert found.spans == {"m.py": ((27, 34),)}


def test_a_line_that_an_earlier_proposal_wrote_stands_for_what_it_replaced():
    first = edited((2, 2, "two more\n"))
    second = first.replace("line 10\nline 11\n", "ten and eleven\n")
    found = footprint(second.replace("ten and eleven", "10 and 11"), earlier=(first, second))
    assert found.edits == {LineEdit("m.py", 10, 12, (b"10 and 11\n",))}


def test_a_new_or_deleted_file_is_relied_on_as_a_whole():
    new = footprint("x = 1\n", before=None, commit=None)
    gone = footprint(None)
    assert new.spans == gone.spans == {"m.py": (WHOLE_FILE,)}
    assert gone.edits == {LineEdit("m.py", 0, 120, ())}


def test_a_patch_that_does_not_apply_on_the_commit_has_none():
    assert footprint("b\n", before="a\n") is None
    assert footprint("b\n", before=None) is None


def test_an_earlier_proposal_that_landed_is_part_of_the_commit_and_left_out():
    first = edited((2, 3, "two\n"))
    second = first.replace("line 30\n", "thirty\n")
    stack = [patch(BASE, first)]
    found = make_footprint({"m.py": first.encode()}, stack, patch(first, second))
    assert found.edits == {LineEdit("m.py", 30, 31, (b"thirty\n",))}


def test_signatures_and_calls_are_those_of_the_changed_lines():
    base = "def f(a):\n    return a\n\n\ndef g():\n    return f(1)\n\n\ng()\n"
    changed = footprint(
        base.replace("f(a)", "f(a, b)").replace("f(1)", "f(1, 2)"), before=base, commit=base
    )
    assert changed.signatures == {"f"}
    assert changed.calls == {"f"}


edit = st.tuples(
    st.integers(0, len(LINES) - 1), st.integers(0, 3), st.sampled_from(["", "new\n", "other\n"])
).map(lambda e: (e[0], min(e[0] + e[1], len(LINES)), e[2]))
edits = st.lists(edit, min_size=1, max_size=3).map(
    lambda some: [e for n, e in enumerate(some) if not any(_near(e, o) for o in some[:n])]
)


def _near(one, other):
    return one[0] <= other[1] and other[0] <= one[1]


@given(edits, edits)
def test_what_relies_on_different_lines_applies_in_either_order_with_one_result(one, other):
    texts = edited(*one), edited(*other)
    assume(BASE not in texts)
    mine, its = (footprint(each) for each in texts)
    assume(not rely_on_same_lines(mine, its))
    [[first], [second]] = (patch(BASE, each) for each in texts)
    orders = [(first, second), (second, first)]
    results = {apply_hunks(apply_hunks(BASE.encode(), a.hunks), b.hunks) for a, b in orders}
    assert results == {edited(*one, *other).encode()}


@given(edits, st.integers(0, 4), st.sampled_from(["", "new\n", "a\nb\nc\n"]))
def test_a_footprint_does_not_depend_on_what_its_task_did_elsewhere(some, line, text):
    here = [(start, end, new) for start, end, new in some if start > 20]
    assume(here and edited(*here) != BASE)
    above = (line, line + 1, text)
    stacked = footprint(edited(*here, above), earlier=(edited(above),))
    assert stacked == footprint(edited(*here))


@given(edits, edits)
def test_comparing_does_not_depend_on_the_order(one, other):
    texts = edited(*one), edited(*other)
    assume(BASE not in texts)
    mine, its = (footprint(each) for each in texts)
    assert compare(mine, its) == compare(its, mine)
    assert compare(mine, mine) is ConflictKind.IDENTICAL
