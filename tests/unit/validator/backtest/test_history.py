"""What a history says about its own commits, from messages and from blame."""

from datetime import timedelta

import pytest

from services.validator.backtest.adapters import GitHistory
from services.validator.backtest.domain.history import (
    MAX_COMMITS_TO_FIX,
    Commit,
    blamed_fixes,
    corrective_commits,
    is_fix,
    named_fixes,
    reverts,
)
from shared.targets.mirror import Mirror
from tests.support.builders import NOW
from tests.support.histories import a_history
from tests.support.repositories import commit, git


def a_line(*messages):
    """Commits with these messages, oldest first, called 0, 1, 2 …"""
    return [
        Commit(f"{n:040x}", f"{n - 1:040x}" if n else "f" * 40, message, NOW + timedelta(hours=n))
        for n, message in enumerate(messages)
    ]


def names(line, found):
    return {int(key, 16) for key in found if key in {each.oid for each in line}}


def test_a_revert_names_the_commit_that_it_takes_back():
    line = a_line("feat: a", "feat: b")
    line += a_line("", "", f'Revert "feat: a"\n\nThis reverts commit {line[0].oid}.')[2:]
    found = reverts(line)
    assert names(line, found) == {0}
    assert (found[line[0].oid].commit, found[line[0].oid].detected_by) == (line[2].oid, "named")


def test_a_short_name_is_enough_and_a_commit_that_is_not_here_is_nobody():
    line = a_line("feat: a", f"This reverts commit {'0' * 39}1, no: deadbeef1.")
    assert reverts(line) == {}
    other = [
        Commit("abcdef1234" + "0" * 30, "", "feat: a", NOW),
        *a_line("This reverts commit abcdef1."),
    ]
    assert set(reverts(other)) == {other[0].oid}


def test_without_a_name_the_title_says_it_and_the_last_with_that_title_is_meant():
    line = a_line("feat: a", "feat: a", 'Revert "feat: a"')
    found = reverts(line)
    assert names(line, found) == {1}
    assert found[line[1].oid].detected_by == "title"


def test_a_revert_that_was_taken_back_takes_nothing_back():
    line = a_line("feat: a", 'Revert "feat: a"', 'Revert "Revert "feat: a""')
    assert names(line, reverts(line)) == {1}


def test_a_commit_is_not_taken_back_by_one_before_it():
    line = a_line('Revert "feat: a"', "feat: a")
    assert reverts(line) == {}


def test_a_trailer_names_what_it_fixes():
    meant = Commit("abcdef123456" + "0" * 28, "", "feat: a", NOW)
    fix = Commit("1" * 40, "", "mend it\n\nFixes: abcdef123456 (feat: a)", NOW)
    other = Commit("2" * 40, "", "feat: b", NOW)
    found = named_fixes([meant, other, fix])
    assert set(found) == {meant.oid}
    assert [(each.commit, each.detected_by) for each in found[meant.oid]] == [(fix.oid, "named")]


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("fix: add adds again", True),
        ("Fixed #12: a crash on empty input", True),
        ("bugfix in parser", True),
        ("Correct the regression of 2.1", True),
        ("handle empty input\n\nThis fixes #7.", True),
        ("fix typo", False),
        ("docs: fix the example", False),
        ("fix flake8 warnings", False),
        ("fix CI", False),
        ("fix tests on windows", False),
        ("feat: prefix and suffix", False),
        ("add a fixture", False),
        ('Revert "fix: add adds again"', False),
    ],
)
def test_a_message_says_that_it_mends_what_the_code_does_or_not(message, says):
    assert is_fix(a_line(message)[0]) is says


def test_a_fix_speaks_against_who_wrote_its_lines_within_the_window_only():
    line = a_line(*(f"c{n}" for n in range(MAX_COMMITS_TO_FIX + 3)))
    near, far, fix = line[2], line[1], line[MAX_COMMITS_TO_FIX + 2]
    blamed = {fix.oid: {near.oid, far.oid, "e" * 40, fix.oid}}
    assert set(blamed_fixes(line, blamed)) == {near.oid}


def test_a_fix_that_names_and_is_blamed_speaks_once_and_a_revert_comes_first():
    line = a_line("feat: a", "x", "y")
    line[1] = Commit(line[1].oid, "", f"mend\n\nFixes: {line[0].oid}", NOW)
    line[2] = Commit(line[2].oid, "", f"This reverts commit {line[0].oid}.", NOW)
    [said] = [corrective_commits(line, {line[1].oid: {line[0].oid}})[line[0].oid]]
    assert [(each.kind, each.detected_by) for each in said] == [
        ("reverted", "named"),
        ("fixed", "named"),
    ]


class TestGit:
    @pytest.fixture
    def made(self, tmp_path):
        return a_history(tmp_path / "target")

    @pytest.fixture
    def history(self, tmp_path, made):
        mirror = Mirror(tmp_path / "mirror.git")
        mirror.fetch(str(tmp_path / "target"))
        return GitHistory(mirror)

    def test_the_line_is_first_parents_oldest_first_with_merges_as_such(self, tmp_path, made):
        place = tmp_path / "target"
        git(place, "switch", "--quiet", "-c", "side", made["good"])
        aside = commit(place, {"side.py": "x = 1\n"}, "feat: aside")
        git(place, "switch", "--quiet", "main")
        git(place, "merge", "--quiet", "--no-ff", "-m", "merge side", "side")
        mirror = Mirror(tmp_path / "merged.git")
        mirror.fetch(str(place))
        line = GitHistory(mirror).line(made["start"], git(place, "rev-parse", "HEAD"))
        assert [each.oid for each in line[:-1]] == [made[k] for k in made if k != "start"]
        assert [each.merge for each in line] == [False] * 7 + [True]
        assert aside not in {each.oid for each in line}
        assert line[0].parent == made["start"]
        assert line[-1].title == "merge side"

    def test_what_changed_and_the_part_that_is_wanted_of_it(self, history, made, tmp_path):
        before, after = made["reverted"], made["both"]
        assert history.changed(before, after) == ["calc.py", "test_calc.py"]
        assert "def plus" in history.patch(before, after)
        part = history.part(before, after, ["calc.py"])
        tree = Mirror(tmp_path / "mirror.git").tree(part)
        assert b"def plus" in tree.read("calc.py")
        assert b"plus" not in tree.read("test_calc.py")

    def test_a_part_takes_away_what_went_and_a_file_may_become_a_folder(self, tmp_path, made):
        place = tmp_path / "target"
        before = commit(place, {"pack": "a file\n"}, "a file")
        (place / "pack").unlink()
        (place / "calc.py").unlink()
        after = commit(place, {"pack/m.py": "x = 1\n"}, "a folder")
        mirror = Mirror(tmp_path / "folder.git")
        mirror.fetch(str(place))
        history = GitHistory(mirror)
        tree = mirror.tree(history.part(before, after, history.changed(before, after)))
        assert tree.oid == mirror.tree(after).oid

    def test_a_fix_is_blamed_on_who_wrote_the_lines_that_it_takes_away(self, history, made):
        line = history.line(made["start"], made["both"])
        fix = next(each for each in line if each.oid == made["fix"])
        assert history.wrote(fix, made["start"], ["calc.py"]) == {made["broke"]}
        assert history.wrote(fix, made["start"], ["test_calc.py"]) == set()

    def test_blame_stops_where_the_replay_begins_and_comments_are_nobodys_fault(
        self, tmp_path, made
    ):
        place = tmp_path / "target"
        was = (place / "calc.py").read_text()
        commit(place, {"calc.py": f"# new\n{was}"}, "say it")
        commit(place, {"calc.py": was.replace("ZERO = 0", "ZERO = 1")}, "fix: say less")
        mirror = Mirror(tmp_path / "comments.git")
        mirror.fetch(str(place))
        history = GitHistory(mirror)
        fix = history.line(made["both"], git(place, "rev-parse", "HEAD"))[-1]
        assert history.wrote(fix, made["both"], ["calc.py"]) == set()
