"""Composing in the mirror: exact bytes, kept modes, nothing touched that was not named."""

import subprocess

import pytest

from services.validator.git.ports import Composition
from shared.kernel.errors import Conflict, Transient
from shared.targets.config import TargetConfig
from tests.support.builders import NOW
from tests.support.landing import a_patch, a_yard, a_yard_at
from tests.support.repositories import a_repository, commit, git

SOURCE = "import os\n\n\ndef one():\n    return 1\n"


@pytest.fixture
def yard(tmp_path):
    return a_yard(tmp_path, m_py=SOURCE, pkg__n_py="x = 1\n", notes_txt="notes\n")


def test_without_patches_the_tree_is_the_heads(yard):
    made = yard.compose()
    assert made == Composition(yard.mirror.tree(yard.head()).oid)


def test_composing_is_the_same_every_time_and_moves_nothing(yard):
    patches = [("a", a_patch("m.py", SOURCE, SOURCE.replace("1", "2")))]
    head = yard.head()
    refs = git(yard.mirror.path, "for-each-ref")
    assert yard.repository.compose(head, patches) == yard.repository.compose(head, patches)
    assert git(yard.mirror.path, "for-each-ref") == refs


def test_each_step_is_the_tree_after_it(yard):
    second = SOURCE.replace("import os\n", "")
    made = yard.compose(
        ("a", a_patch("m.py", SOURCE, SOURCE.replace("1", "2"))),
        ("b", a_patch("m.py", SOURCE.replace("1", "2"), second.replace("1", "2"))),
        ("c", a_patch("pkg/n.py", "x = 1\n", None)),
    )
    contents = [yard.content(tree, "m.py").decode() for _, tree in made.steps]
    assert contents == [
        SOURCE.replace("1", "2"),
        second.replace("1", "2"),
        second.replace("1", "2"),
    ]
    assert [("pkg/n.py" in yard.listing(tree)) for _, tree in made.steps] == [True, True, False]


def test_a_patch_finds_its_lines_where_an_earlier_one_moved_them(yard):
    moved = SOURCE.replace("import os\n", "import os\nimport re\nimport sys\n")
    made = yard.compose(
        ("a", a_patch("m.py", SOURCE, moved)),
        ("b", a_patch("m.py", SOURCE, SOURCE.replace("return 1", "return 2"))),
    )
    assert not made.failed
    assert yard.content(made.tree, "m.py").decode() == moved.replace("return 1", "return 2")


class TestMerging:
    """A patch that was made on top of another one, which in the end is not there."""

    first = SOURCE.replace("one", "uno")
    both = first.replace("return 1", "return 2")
    apart = SOURCE.replace("import os\n\n", "import os\n# one\n")

    def test_it_applies_where_the_lines_of_the_other_were_only_its_context(self, yard):
        second = self.apart.replace("return 1", "return 2")
        patches = [
            ("a", a_patch("m.py", SOURCE, self.apart)),
            ("b", a_patch("m.py", self.apart, second)),
        ]
        assert not yard.compose(*patches).failed
        alone = yard.compose(patches[1])
        assert not alone.failed
        assert yard.content(alone.tree, "m.py").decode() == SOURCE.replace("return 1", "return 2")

    def test_it_does_not_apply_next_to_a_line_of_the_other(self, yard):
        patches = [
            ("a", a_patch("m.py", SOURCE, self.first)),
            ("b", a_patch("m.py", self.first, self.both)),
        ]
        assert not yard.compose(*patches).failed
        assert yard.compose(patches[1]).failed == (("b", "its lines in m.py have changed"),)

    def test_it_does_not_apply_where_what_it_was_made_for_is_not_known(self, yard):
        patch = a_patch("m.py", self.apart, self.apart.replace("return 1", "return 2"))
        assert yard.compose(("b", patch)).failed == (("b", "its lines in m.py have changed"),)

    def test_a_change_that_is_there_already_does_not_apply_again(self, yard):
        patch = a_patch("m.py", SOURCE, SOURCE.replace("return 1", "return 2"))
        made = yard.compose(("a", patch), ("b", patch))
        assert made.failed == (("b", "its lines in m.py have changed"),)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a = 1\r\nb = 2\r\n", "a = 1\r\nb = 3\r\n"),
        ("a = 1", "a = 2"),
        ("a = 1", "a = 1\n"),
        ("a = 1\n", "a = 1"),
        ("a = 'é\u2028'\n", "a = 'è\u2028'\n"),
        ("a = 1\x0c\nb = 1\n", "a = 1\x0c\nb = 2\n"),
        ("\ufeffa = 1\n", "\ufeffa = 2\n"),
    ],
)
def test_bytes_come_through_as_they_are(tmp_path, before, after):
    place = a_repository(tmp_path / "target")
    (place / "m.py").write_bytes(before.encode())
    git(place, "add", "m.py")
    git(place, "commit", "--quiet", "--message", "bytes")
    yard = a_yard_at(place, tmp_path / "home")
    made = yard.compose(("a", a_patch("m.py", before, after)))
    assert not made.failed
    assert yard.content(made.tree, "m.py") == after.encode()


@pytest.mark.parametrize(
    ("path", "before", "after", "said"),
    [
        ("gone.py", "x = 1\n", "x = 2\n", "gone.py is not there"),
        ("gone.py", "x = 1\n", None, "gone.py is not there"),
        ("m.py", None, "x = 1\n", "m.py is already there"),
        ("m.py", "y = 1\n", "y = 2\n", "its lines in m.py have changed"),
        ("m.py", "import os\n", None, "m.py has more lines than it would delete"),
    ],
)
def test_why_a_patch_does_not_apply_is_said(yard, path, before, after, said):
    made = yard.compose(("a", a_patch(path, before, after)))
    assert made.failed == (("a", said),)
    assert made.steps == ()
    assert made.tree == yard.compose().tree


def test_a_patch_that_would_break_the_code_where_it_now_fits_is_not_applied(tmp_path):
    yard = a_yard(tmp_path, m_py="if a:\n    b()\n    c()\n")
    made = yard.compose(
        ("first", a_patch("m.py", "if a:\n    b()\n    c()\n", "if a:\n    c()\n")),
        ("second", a_patch("m.py", "if a:\n    b()\n    c()\n", "if a:\n    b()\n")),
        ("third", a_patch("m.py", "    c()\n", "")),
    )
    assert [each for each, _ in made.steps] == ["first"]
    assert dict(made.failed)["third"] == "m.py would not be valid Python"


def test_a_change_to_code_that_was_broken_already_is_nobodys_fault(tmp_path):
    yard = a_yard(tmp_path, m_py="def broken(:\n    pass\n")
    made = yard.compose(("a", a_patch("m.py", "def broken(:\n    pass\n", "def broken(:\n    1\n")))
    assert not made.failed
    assert yard.repository.find_syntax_error(yard.head(), made.steps) is None


def test_a_new_file_must_be_valid_and_other_languages_may_be_anything(yard):
    made = yard.compose(
        ("text", a_patch("notes.txt", "notes\n", "def (\n")),
        ("fine", a_patch("new.py", None, "x = 1\n")),
        ("bad", a_patch("bad.py", None, "def (\n")),
    )
    assert [each for each, _ in made.steps] == ["text", "fine", "bad"]
    assert yard.repository.find_syntax_error(yard.head(), made.steps) == ("bad", "bad.py")
    assert yard.repository.find_syntax_error(yard.head(), made.steps[:2]) is None


def test_the_first_of_several_that_break_the_code_is_named(yard):
    made = yard.compose(
        ("fine", a_patch("pkg/n.py", "x = 1\n", "x = 3\n")),
        ("first", a_patch("m.py", SOURCE, SOURCE.replace("return 1", "return ("))),
        ("second", a_patch("pkg/n.py", "x = 3\n", "x = (\n")),
    )
    assert [each for each, _ in made.steps] == ["fine", "first", "second"]
    assert yard.repository.find_syntax_error(yard.head(), made.steps) == ("first", "m.py")


def test_nobody_is_named_for_what_a_later_change_repaired(yard):
    # Only the end is landed, so only the end must be valid.
    broken = SOURCE.replace("return 1", "return (")
    made = yard.compose(
        ("a", a_patch("m.py", SOURCE, broken)), ("b", a_patch("m.py", broken, SOURCE))
    )
    assert yard.repository.find_syntax_error(yard.head(), made.steps) is None
    assert yard.repository.find_syntax_error(yard.head(), ()) is None


def test_a_commit_is_ours_and_made_of_what_was_given(yard):
    head = yard.head()
    tree = yard.compose(("a", a_patch("pkg/n.py", "x = 1\n", "x = 2\n"))).tree
    once, twice = (yard.repository.commit(tree, head, "s\n\nbody\n", NOW) for _ in range(2))
    assert once == twice
    shown = git(yard.mirror.path, "show", "--no-patch", "--format=%an|%cn|%at|%T|%P|%s|%b", once)
    when = int(NOW.timestamp())
    assert shown.split("|") == ["Groundswell", "Groundswell", str(when), tree, head, "s", "body"]


def test_refreshing_sees_what_the_person_did_since(yard):
    yard.head()
    assert yard.head() == git(yard.place, "rev-parse", "main")
    tip = commit(yard.place, {"pkg/n.py": "x = 5\n"})
    assert yard.head() == tip


def test_a_base_that_is_gone_is_said(yard):
    yard.head()
    git(yard.place, "branch", "--move", "main", "trunk")
    with pytest.raises(Conflict, match="has no branch main any more"):
        yard.head()


def test_a_target_that_is_away_may_come_back(yard):
    yard.head()
    yard.place.rename(yard.place.with_name("elsewhere"))
    with pytest.raises(Transient):
        yard.head()


@pytest.mark.parametrize("path", ["a b.py", "d e/f.py", "é.py", "it's.py", "-x.py"])
def test_unusual_names_are_changed_like_any_other(tmp_path, path):
    yard = a_yard(tmp_path, **{path: "x = 1\n"})
    patch = a_patch(path, "x = 1\n", "x = 2\n")
    assert yard.repository.broken_rule(patch, ["*.py"], TargetConfig()) is None
    made = yard.compose(("a", patch))
    assert yard.content(made.tree, path) == b"x = 2\n"


def test_a_patch_written_by_git_is_read_like_ours(yard):
    (yard.place / "m.py").write_text(SOURCE.replace("1", "2"))
    (yard.place / "pkg/n.py").unlink()
    (yard.place / "new.py").write_text("n = 1")
    git(yard.place, "add", "--all")
    written = subprocess.run(
        ["git", "-C", str(yard.place), "diff", "--cached"], capture_output=True, check=True
    ).stdout.decode()
    expected = git(yard.place, "write-tree")
    git(yard.place, "reset", "--quiet", "--hard")
    assert yard.repository.broken_rule(written, ["*.py"], TargetConfig()) is None
    assert yard.compose(("a", written)).tree == expected


class TestOddPatches:
    """What a patch may not do to what is there, and what it may leave unsaid."""

    def test_an_executable_file_stays_executable(self, yard):
        (yard.place / "run.py").write_text("x = 1\n")
        (yard.place / "run.py").chmod(0o755)
        commit(yard.place, {})
        made = yard.compose(("a", a_patch("run.py", "x = 1\n", "x = 2\n")))
        assert yard.listing(made.tree)["run.py"] == "100755"

    @pytest.mark.parametrize(
        "path", ["m.py/x.py", "pkg"], ids=["below a file", "in place of a directory"]
    )
    def test_a_new_file_where_there_is_no_room_for_it_does_not_apply(self, yard, path):
        made = yard.compose(("a", a_patch(path, None, "x = 1\n")))
        assert made.failed
        assert made.tree == yard.compose().tree

    def test_a_patch_on_its_own_content_is_known_as_such_whatever_its_id(self, yard):
        # "x = 2\n" is 407de30...: its abbreviation ends with the 0 that libgit2 fills up with.
        made = yard.compose(
            ("a", a_patch("pkg/n.py", "x = 1\n", "x = 2\n")),
            ("b", a_patch("pkg/n.py", "x = 2\n", "x = (\n")),
        )
        assert yard.repository.find_syntax_error(yard.head(), made.steps) == ("b", "pkg/n.py")

    def test_a_patch_without_an_index_line_is_applied_or_refused(self, yard):
        patch = "diff --git a/pkg/n.py b/pkg/n.py\n--- a/pkg/n.py\n+++ b/pkg/n.py\n@@ -1 +1 @@\n"
        patch += "-x = 1\n+x = 2\n"
        if yard.repository.broken_rule(patch, ["*.py"], TargetConfig()) is None:
            yard.compose(("a", patch))

    def test_a_name_that_git_refuses_is_refused_in_words(self, yard):
        patch = a_patch("git~1/x.py", None, "x = 1\n")
        if yard.repository.broken_rule(patch, ["*.py"], TargetConfig()) is None:
            assert yard.compose(("a", patch)).failed

    @pytest.mark.parametrize("before", [None, "x = 1\n"])
    def test_a_patch_of_a_submodule_does_not_apply(self, yard, before):
        git(yard.place, "update-index", "--add", "--cacheinfo", f"160000,{'c' * 40},sub")
        git(yard.place, "commit", "--quiet", "--message", "a submodule")
        assert yard.compose(("a", a_patch("sub", before, "x = 2\n"))).failed

    def test_a_patch_of_a_link_does_not_apply(self, yard):
        (yard.place / "link.py").symlink_to("m.py")
        commit(yard.place, {})
        made = yard.compose(("a", a_patch("link.py", "m.py", "x = 2\n")))
        assert yard.listing(made.tree)["link.py"] == "120000"
