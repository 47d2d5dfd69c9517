"""Which file's settings pytest reads: the first that has any, and no other."""

import pytest

from shared.targets.plugins import configured_options
from shared.targets.test_commands import discover_tests
from tests.support.trees import FakeTree

PYPROJECT = "[tool.pytest.ini_options]\naddopts = '-q'\n"
CASE = "def test_a():\n    pass\n"


@pytest.mark.parametrize(
    ("files", "addopts"),
    [
        ({}, ""),
        ({"pyproject.toml": PYPROJECT}, "-q"),
        ({"pyproject.toml": PYPROJECT, "pytest.ini": "[pytest]\naddopts = -x\n"}, "-x"),
        ({"pyproject.toml": PYPROJECT, "pytest.ini": "[pytest]\n"}, ""),
        ({"pyproject.toml": PYPROJECT, "pytest.ini": ""}, ""),
        ({"pyproject.toml": PYPROJECT, ".pytest.ini": "[pytest]\naddopts = -x\n"}, "-x"),
        ({"pyproject.toml": PYPROJECT, "tox.ini": "[pytest]\naddopts = -x\n"}, "-q"),
        ({"pyproject.toml": "[tool.pytest]\n", "tox.ini": "[pytest]\naddopts = -x\n"}, "-x"),
        ({"tox.ini": "[tox]\n", "setup.cfg": "[tool:pytest]\naddopts = -x\n"}, "-x"),
    ],
)
def test_the_options_are_those_of_the_file_that_pytest_reads(files, addopts):
    assert configured_options(FakeTree(files)) == addopts


def test_the_patterns_are_those_of_the_file_that_pytest_reads():
    files = {"setup.cfg": "[tool:pytest]\npython_files = check_*.py\n", "check_a.py": CASE}
    assert discover_tests(FakeTree(files)).files == ("check_a.py",)
    files |= {"pytest.ini": "", "test_b.py": CASE}
    assert discover_tests(FakeTree(files)).files[0] == "test_b.py"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", "[ tool.pytest.ini_options ]\naddopts = '-q'\n"),
        ("pyproject.toml", "[tool]\npytest.ini_options.addopts = '-q'\n"),
        ("pyproject.toml", PYPROJECT),
        ("setup.cfg", "[tool:pytest]\n"),
        ("pytest.ini", ""),
    ],
)
def test_the_configuration_of_the_only_project_is_named_however_it_is_spelled(name, text):
    tree = FakeTree({f"app/{name}": text, "app/test_a.py": CASE})
    first = discover_tests(tree, ["app"]).commands[0]
    assert first.command[3:] == ("-c", f"app/{name}", "--rootdir=.", "app")
