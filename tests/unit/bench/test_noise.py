"""The noise check of bench.agents_on_real_code finds what maintainers call noise."""

import pytest

from bench.noise import count_noise
from bench.targets import as_repository, git

START = "a = 1\nb = f(2,3)\n\n\n\n\n\n\n\nc = 4\n"
NONE = {"layout only": 0, "unrelated hunks": 0, "edited twice": 0}


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["a = 2\nb = f(2,3)\n\n\n\n\n\n\n\nc = 4\n"], {}),
        (["a = 1\nb = f(2, 3)\n\n\n\n\n\n\n\nc = 4\n"], {"layout only": 1}),
        (["a = 2\nb = f(2,3)\n\n\n\n\n\n\n\nc  =  4\n"], {"unrelated hunks": 1}),
        (["a = 1\nb = f(2,3)\n\n\n\n\n\n\n\nc = 4()\n"], {}),
        (["a = 1\nb = f('2',3)\n\n\n\n\n\n\n\nc = 4\n"], {}),
        (["a = 2\nb = f(2,3)\n\n\n\n\n\nc = 4\n"], {"unrelated hunks": 1}),
        ([START.replace("a = 1", "a = 2"), START.replace("a = 1", "a = 3")], {"edited twice": 1}),
        ([START.replace("a = 1", "a = 2"), START.replace("a = 1\n", "a = 2\nz = 0\n")], {}),
    ],
)
def test_noise_is_counted_by_kind(tmp_path, texts, found):
    (tmp_path / "m.py").write_text(START)
    repository = as_repository(tmp_path)
    commits = []
    for each in texts:
        (repository / "m.py").write_text(each)
        git(repository, "commit", "-qam", "change")
        commits.append(git(repository, "rev-parse", "HEAD"))
    assert count_noise(repository, commits) == {**NONE, **found}


BRANCHES = "if a:\n    f()\nelse:\n    # 1\n\n    g()\n    h()\nk()\n"
FLAT = "if a:\n    f()\n# 1\n\ng()\nh()\nk()\n"


def test_lines_that_move_to_another_block_are_neither_layout_nor_edited(tmp_path):
    (tmp_path / "m.py").write_text(BRANCHES)
    repository = as_repository(tmp_path)
    commits = []
    for each in (BRANCHES.replace("g()", "g(1)"), FLAT.replace("g()", "g(1)")):
        (repository / "m.py").write_text(each)
        git(repository, "commit", "-qam", "change")
        commits.append(git(repository, "rev-parse", "HEAD"))
    assert count_noise(repository, commits) == NONE


def test_a_workflow_that_says_the_same_is_noise(tmp_path):
    (tmp_path / "w.json").write_text('{"a": "x y", "b": 2}')
    repository = as_repository(tmp_path)
    (repository / "w.json").write_text('{"b": 2, "a": "x y"}')
    git(repository, "commit", "-qam", "change")
    assert count_noise(repository, [git(repository, "rev-parse", "HEAD")])["layout only"] == 1
