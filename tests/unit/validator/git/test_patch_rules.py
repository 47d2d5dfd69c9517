"""Hunks on content, and the rules of a patch, on plain values."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.validator.git.domain.patches import PatchPolicy, check_patch
from shared.kernel.errors import Rejected
from shared.targets.hunks import apply_hunks, split_lines
from shared.targets.patches import FilePatch, Hunk, PatchKind, make_patch, parse_patch

lines = st.lists(st.sampled_from(["a\n", "b\n", "c\r\n", "\n", "é\x0c\n", "}\n"]), max_size=14)
texts = st.tuples(lines, st.sampled_from(["", "end"])).map(lambda each: "".join(each[0]) + each[1])


def hunks(before: str, after: str):
    files = parse_patch(make_patch({"m": (before.encode(), after.encode())}))
    return files[0].hunks if files else ()


@given(texts, texts)
def test_a_patch_on_what_it_was_made_for_gives_what_it_was_made_from(before, after):
    assert apply_hunks(before.encode(), hunks(before, after)) == after.encode()


@given(texts, texts)
def test_a_patch_and_its_opposite_change_nothing(before, after):
    there = apply_hunks(before.encode(), hunks(before, after))
    assert there is not None
    assert apply_hunks(there, hunks(after, before)) == before.encode()


@given(texts)
def test_lines_put_together_are_the_content(text):
    split = split_lines(text.encode())
    assert b"".join(split) == text.encode()
    assert all(line.endswith(b"\n") for line in split[:-1])
    assert all(line.count(b"\n") <= 1 and line for line in split)


@given(texts, texts, lines, lines)
def test_lines_put_in_before_and_after_do_not_matter(before, after, above, below):
    # What is put in is found nowhere else, so there is one place for each hunk.
    above, below = (["#" + each for each in some] for some in (above, below))
    if not before.endswith("\n") or not after.endswith("\n"):
        return
    around = ("".join(above).encode(), "".join(below).encode())
    made = apply_hunks(around[0] + before.encode() + around[1], hunks(before, after))
    assert made == around[0] + after.encode() + around[1]


def applied(content, *made):
    return apply_hunks(content, [Hunk(start, old, new, 1) for start, old, new in made])


def test_of_two_places_that_fit_the_nearer_one_is_taken():
    content = b"x\n" + b"a\n" * 3 + b"x\n"
    assert applied(content, (3, (b"x\n",), (b"y\n",))) == b"x\n" + b"a\n" * 3 + b"y\n"
    assert applied(content, (1, (b"x\n",), (b"y\n",))) == b"y\n" + b"a\n" * 3 + b"x\n"


def test_later_hunks_move_with_the_earlier_ones():
    content = b"x\nx\nx\nx\nx\n"
    made = applied(content, (0, (b"x\n",), (b"1\n", b"2\n", b"3\n")), (2, (b"x\n",), (b"y\n",)))
    assert made == b"1\n2\n3\nx\ny\nx\nx\n"


def test_a_hunk_never_lands_in_what_an_earlier_one_wrote():
    assert applied(b"a\nb\n", (0, (b"a\n",), (b"b\n",)), (0, (b"b\n",), (b"c\n",))) == b"b\nc\n"
    assert applied(b"a\n", (0, (b"a\n",), (b"b\n",)), (0, (b"b\n",), (b"c\n",))) is None


def test_hunks_fit_all_or_none():
    assert applied(b"a\nb\n", (0, (b"a\n",), (b"c\n",)), (1, (b"z\n",), (b"y\n",))) is None


@pytest.mark.parametrize("content", [b"a", b"a \n", b"A\n", b"a\r\n", b"\ta\n", b""])
def test_there_is_no_fuzz_not_even_for_line_ends(content):
    assert applied(content, (0, (b"a\n",), (b"b\n",))) is None


def test_a_new_file_is_made_only_of_nothing():
    assert applied(b"", (0, (), (b"a\n",))) == b"a\n"
    assert applied(b"b\n", (0, (), (b"a\n",))) is None


numbered = st.lists(st.integers(0, 5), min_size=1, max_size=10).map(
    lambda each: "".join(f"{n}\n" for n in each)
)


@settings(max_examples=40)
@given(before=numbered, after=numbered, present=numbered)
def test_what_git_applies_is_applied_alike(tmp_path_factory, before, after, present):
    place = tmp_path_factory.getbasetemp() / "git-apply"
    place.mkdir(exist_ok=True)
    (place / "m").write_text(present)
    patch = make_patch({"m": (before.encode(), after.encode())}).encode()
    done = subprocess.run(
        ["git", "apply", "-"], input=patch, cwd=place, capture_output=True, check=False
    )
    if patch and done.returncode == 0:
        assert apply_hunks(present.encode(), hunks(before, after)) == (place / "m").read_bytes()


def a_file(path="a.py", kind=PatchKind.MODIFY, **fields):
    known = {
        "old_mode": 0 if kind is PatchKind.ADD else 0o100644,
        "new_mode": 0 if kind is PatchKind.DELETE else 0o100644,
        "hunks": (Hunk(0, (b"a\n",), (b"b\n",), 2),),
        "old_path": path,
    }
    return FilePatch(path=path, kind=kind, **{**known, **fields})


def broken(*files, max_files=5, max_lines=20, allowed=lambda path: True, protected=lambda path: 0):
    return check_patch(files, PatchPolicy(allowed, protected, max_files, max_lines))


@pytest.mark.parametrize("kind", [PatchKind.MODIFY, PatchKind.ADD, PatchKind.DELETE])
def test_plain_changes_are_fine(kind):
    assert broken(a_file(kind=kind)) is None


def test_executable_files_may_be_changed():
    assert broken(a_file(old_mode=0o100755, new_mode=0o100755)) is None


@pytest.mark.parametrize(
    ("file", "rule"),
    [
        (a_file(old_mode=0o100644, new_mode=0o100755), "mode"),
        (a_file(old_mode=0o120000, new_mode=0o120000), "link"),
        (a_file(kind=PatchKind.ADD, new_mode=0o120000), "link"),
        (a_file(kind=PatchKind.DELETE, old_mode=0o160000), "gitlink"),
        (a_file(kind=PatchKind.ADD, new_mode=0o100664), "not-regular-file"),
        (a_file(kind=PatchKind.OTHER), "rename"),
        (a_file(old_path="b.py"), "rename"),
        (a_file(binary=True), "binary"),
    ],
)
def test_whatever_is_no_plain_change_is_named(file, rule):
    assert broken(file).startswith(f"{rule}: ")
    assert broken(a_file("fine.py"), file).startswith(f"{rule}: ")


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "..",
        "../a.py",
        "a/../../b.py",
        "a/./b.py",
        "/etc/passwd",
        "a//b.py",
        "a/",
        "a\\b.py",
        "a\nb.py",
        "a\x00b.py",
        "a\x7f.py",
        ".git/config",
        "a/.git/hooks/x",
        ".GIT/config",
        "a/.Git",
        "nul",
        "a/CON.py",
        "com1.txt",
        "end.",
        "end ",
        "a:b.py",
        "what?.py",
        "x" * 256,
        "é" * 128,
        "/".join(["x" * 100] * 50),
    ],
)
def test_an_odd_name_is_refused(path):
    assert broken(a_file(path)).startswith("odd-name: ")


@pytest.mark.parametrize("path", ["a b.py", "é.py", "..a/b", "a..py", ".hidden/x", "it's"])
def test_an_unusual_name_is_no_odd_one(path):
    assert broken(a_file(path)) is None


@pytest.mark.parametrize("path", ["git~1/config", "a/GIT~1/x"])
def test_the_short_name_of_a_git_directory_is_an_odd_one(path):
    assert (broken(a_file(path)) or "").startswith("odd-name: ")


def test_protected_comes_before_leased():
    said = broken(a_file(), allowed=lambda path: False, protected=lambda path: True)
    assert said == "protected-path: a.py"
    assert broken(a_file(), allowed=lambda path: False) == "outside-lease: a.py"


def test_every_file_is_held_against_the_lease():
    files = [a_file(f"{n}.py") for n in range(3)]
    assert broken(*files, allowed=lambda path: path != "2.py") == "outside-lease: 2.py"


@pytest.mark.parametrize(("files", "fits"), [(2, True), (3, False)])
def test_as_many_files_as_allowed_fit(files, fits):
    made = [a_file(f"{n}.py") for n in range(files)]
    assert (broken(*made, max_files=2) is None) is fits


@pytest.mark.parametrize(("most", "fits"), [(4, True), (3, False)])
def test_as_many_lines_as_allowed_fit(most, fits):
    assert (broken(a_file("a.py"), a_file("b.py"), max_lines=most) is None) is fits


def test_a_file_named_twice_is_refused():
    assert broken(a_file(), a_file()).startswith("twice: ")


def test_nothing_is_no_patch():
    assert broken().startswith("empty: ")


class TestReading:
    def one(self, text):
        [file] = parse_patch(text)
        return file

    def test_kinds_and_modes_are_told_apart(self):
        assert self.one(make_patch({"a": (None, b"x\n")})).kind is PatchKind.ADD
        assert self.one(make_patch({"a": (b"x\n", None)})).kind is PatchKind.DELETE
        changed = self.one(make_patch({"a": (b"x\n", b"y\n")}))
        assert (changed.kind, changed.lines, changed.new_mode) == (PatchKind.MODIFY, 2, 0o100644)

    @pytest.mark.parametrize("path", ["a b.py", "é.py", 'a"b.py', "b/a/b.py", "deep/er/x.py"])
    def test_a_name_comes_back_as_it_went_in(self, path):
        assert self.one(make_patch({path: (b"x\n", b"y\n")})).path == path

    def test_a_change_of_the_last_line_end_is_a_change(self):
        assert hunks("a", "a\n")[0].old == (b"a",)
        assert hunks("a\n", "a")[0].new == (b"a",)

    def test_files_are_sorted_and_unchanged_ones_left_out(self):
        text = make_patch({"b": (b"1\n", b"2\n"), "a": (b"1\n", b"2\n"), "c": (b"1\n", b"1\n")})
        assert [each.path for each in parse_patch(text)] == ["a", "b"]

    def test_what_is_not_utf_8_cannot_be_a_patch(self):
        with pytest.raises(Rejected, match="not UTF-8"):
            make_patch({"a": (b"\xff\n", b"\xfe\n")})

    @pytest.mark.parametrize("path", ["a b.py", "d e/f.py"])
    def test_a_new_file_with_a_space_in_its_name_is_no_rename(self, path):
        assert broken(self.one(make_patch({path: (None, b"x\n")}))) is None
