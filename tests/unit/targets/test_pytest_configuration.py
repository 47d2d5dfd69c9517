"""Which file's settings pytest reads: the first that has any, and no other."""

import shlex
import tomllib

import pytest
from _pytest.config.findpaths import locate_config

from shared.targets.config import TargetConfig
from shared.targets.paths import is_protected
from shared.targets.plugins import (
    CONFIGURATION_FILES,
    OWN_FILES,
    configured_options,
    needed_plugins,
    refuses_unknown_settings,
    settings_by_file,
)
from shared.targets.projects import project_folders
from shared.targets.test_commands import discover_tests
from tests.support.trees import FakeTree

PYPROJECT = "[tool.pytest.ini_options]\naddopts = '-q'\n"
CASE = "def test_a():\n    pass\n"


PYTEST_TOML = "[pytest]\naddopts = ['-x', '-k', 'a or b']\n"
NATIVE = "[tool.pytest]\naddopts = ['-x']\n"
FILES = [
    ({}, ""),
    ({"pyproject.toml": PYPROJECT}, "-q"),
    ({"pyproject.toml": PYPROJECT, "pytest.ini": "[pytest]\naddopts = -x\n"}, "-x"),
    ({"pyproject.toml": PYPROJECT, "pytest.ini": "[pytest]\n"}, ""),
    ({"pyproject.toml": PYPROJECT, "pytest.ini": ""}, ""),
    ({"pyproject.toml": PYPROJECT, ".pytest.ini": "[pytest]\naddopts = -x\n"}, "-x"),
    ({"pyproject.toml": PYPROJECT, "tox.ini": "[pytest]\naddopts = -x\n"}, "-q"),
    ({"pyproject.toml": "[tool.pytest]\n", "tox.ini": "[pytest]\naddopts = -x\n"}, "-x"),
    ({"tox.ini": "[tox]\n", "setup.cfg": "[tool:pytest]\naddopts = -x\n"}, "-x"),
    ({"pytest.toml": PYTEST_TOML, "pytest.ini": "[pytest]\naddopts = -q\n"}, "-x -k 'a or b'"),
    ({".pytest.toml": PYTEST_TOML, ".pytest.ini": "[pytest]\n"}, "-x -k 'a or b'"),
    ({"pytest.toml": "", ".pytest.toml": PYTEST_TOML, "pyproject.toml": PYPROJECT}, ""),
    ({"pytest.toml": "[tool.pytest]\naddopts = ['-x']\n", "pyproject.toml": PYPROJECT}, ""),
    ({"pyproject.toml": NATIVE, "tox.ini": "[pytest]\naddopts = -q\n"}, "-x"),
    ({"pyproject.toml": NATIVE + "ini_options = {}\n"}, "-x"),
    (
        {"pyproject.toml": "[tool.pytest.ini_options]\n", "tox.ini": "[pytest]\naddopts = -q\n"},
        "",
    ),
]


@pytest.mark.parametrize(("files", "addopts"), FILES)
def test_the_options_are_those_of_the_file_that_pytest_reads(files, addopts):
    assert configured_options(FakeTree(files)) == addopts


@pytest.mark.parametrize(("files", "addopts"), FILES)
def test_the_installed_pytest_reads_the_same(files, addopts, tmp_path):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    _, path, settings, _ = locate_config(tmp_path, [tmp_path])
    given = settings["addopts"].value if "addopts" in settings else ""
    assert (given if isinstance(given, str) else shlex.join(given)) == addopts
    pyproject = tomllib.loads(files.get("pyproject.toml", ""))
    read = next(iter(settings_by_file(FakeTree(files), pyproject)), "")
    assert read == (path.name if path else "")


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
        ("pytest.toml", ""),
        (".pytest.toml", PYTEST_TOML),
        ("pyproject.toml", NATIVE),
    ],
)
def test_the_configuration_of_the_only_project_is_named_however_it_is_spelled(name, text):
    tree = FakeTree({f"app/{name}": text, "app/test_a.py": CASE})
    first = discover_tests(tree, ["app"]).commands[0]
    assert first.command[3:] == ("-c", f"app/{name}", "--rootdir=.", "app")


@pytest.mark.parametrize("name", [name for name, _ in CONFIGURATION_FILES])
def test_every_file_that_may_configure_pytest_is_protected(name):
    assert is_protected(name, TargetConfig())


@pytest.mark.parametrize("name", OWN_FILES)
def test_a_file_of_pytests_own_makes_the_root_a_project(name):
    files = {"pyproject.toml": "[tool.black]\n", "app/pyproject.toml": "[project]\nname = 'app'\n"}
    assert project_folders(FakeTree(files)) == ("app",)
    assert project_folders(FakeTree(files | {name: ""})) == ()


def test_the_plugins_of_a_toml_configuration_are_found():
    text = (
        "[pytest]\naddopts = ['--cov=shop', '-n', 'auto']\nasyncio_mode = 'auto'\n"
        "required_plugins = ['pytest-httpx>=1', 'pytest-mock']\n"
    )
    found = needed_plugins(FakeTree({"pytest.toml": text}), {})
    assert found == ("pytest-cov", "pytest-xdist", "pytest-asyncio", "pytest-httpx", "pytest-mock")


@pytest.mark.parametrize(
    ("text", "strict"),
    [
        ("strict = true\n", True),
        ("strict_config = true\n", True),
        ("strict = true\nstrict_config = false\n", False),
        ("strict_markers = true\n", False),
    ],
)
def test_a_setting_may_make_unknown_settings_errors(text, strict):
    assert refuses_unknown_settings(FakeTree({"pytest.toml": f"[pytest]\n{text}"})) is strict
