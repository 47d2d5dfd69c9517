"""The directories that editable installs put on `sys.path`, as their files say."""

import pytest

from shared.environments.inspect_setup import roots

FINDER = "MAPPING: dict[str, str] = {{'shop': '{tree}/src/shop', 'odd': '{tree}/lib/other'}}\n"


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "site-packages"
    made.mkdir()
    return made


def test_they_are_named_by_pth_files_and_by_the_finders_of_setuptools(tmp_path, folder):
    tree = tmp_path / "tree"
    (folder / "a.pth").write_text(f"{tree}/libs\nimport something\n/elsewhere\n")
    (folder / "__editable___shop_finder.py").write_text(FINDER.format(tree=tree))
    assert roots(tree, [folder]) == ["libs", "src"]


@pytest.mark.parametrize("text", ["MAPPING = {", "MAPPING = make()\n", "MAPPING = {1: 2}\n", "\0"])
def test_a_finder_that_cannot_be_read_hides_no_others(tmp_path, folder, text):
    tree = tmp_path / "tree"
    (folder / "a.pth").write_text(f"{tree}/libs\n")
    (folder / "__editable___bad_finder.py").write_text(text)
    (folder / "__editable___shop_finder.py").write_text(FINDER.format(tree=tree))
    assert roots(tree, [folder]) == ["libs", "src"]
