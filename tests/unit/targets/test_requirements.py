"""The requirements that a Python target declares, in each place where it may declare them."""

import json

import pytest

from shared.targets import requirements
from shared.targets.declared.poetry import to_pep440
from shared.targets.profile import profile_target
from tests.support.trees import FakeTree

GROUPS = '[dependency-groups]\ntest = ["pytest", "six"]\n'


def declared(**files):
    return requirements.read(FakeTree(files))


CASES = {
    "a test extra, without its linters": (
        {"pyproject.toml": "[project.optional-dependencies]\ntest = ['pytest', 'ruff', 'mypy']\n"},
        ("pytest",),
    ),
    "an extra that names the project's own extras": (
        {
            "pyproject.toml": "[project]\nname = 'My.Shop'\ndependencies = ['attrs']\n"
            "[project.optional-dependencies]\nfast = ['numpy']\n"
            "tests = ['my-shop[fast]', 'pytest']\n"
        },
        ("attrs", "numpy", "pytest"),
    ),
    "a dependency group with what it includes": (
        {
            "pyproject.toml": "[dependency-groups]\nbase = ['attrs']\n"
            "Test_Base = [{include-group = 'base'}]\n"
            "test = [{include-group = 'test-base'}, 'pytest']\n"
        },
        ("attrs", "pytest"),
    ),
    "an invalid dependency group, as far as it names requirements itself": (
        {
            "pyproject.toml": "[dependency-groups]\nbase = ['attrs']\n"
            "test = [{include-group = 'base'}, 'pytest', {include-group = 'test'}]\n"
        },
        ("pytest",),
    ),
    "uv's dev-dependencies": (
        {"pyproject.toml": "[tool.uv]\ndev-dependencies = ['pytest>=8', 'black']\n"},
        ("pytest>=8",),
    ),
    "what uv takes from elsewhere is left out": (
        {
            "pyproject.toml": "[project]\ndependencies = ['sibling', 'six']\n"
            "[tool.uv.sources]\nsibling = { workspace = true }\n"
        },
        ("six",),
    ),
    "what uv takes from a repository is taken from there in groups and extras too": (
        {
            "pyproject.toml": "[project]\ndependencies = ['six[a] ; os_name == \"nt\"']\n"
            "[dependency-groups]\ntest = ['sibling', 'tool', 'attrs']\n"
            "[tool.uv.sources]\nsibling = { workspace = true }\n"
            "tool = { git = 'https://example.org/tool', tag = 'v1' }\n"
            "six = { url = 'https://example.org/six.whl' }\n"
        },
        (
            'six[a] @ https://example.org/six.whl ; os_name == "nt"',
            "tool @ git+https://example.org/tool@v1",
            "attrs",
        ),
    ),
    "setup.cfg": (
        {"setup.cfg": "[options]\ninstall_requires =\n    attrs\n    idna>=2\n"},
        ("attrs", "idna>=2"),
    ),
    "setup.cfg's extras": (
        {"setup.cfg": "[options.extras_require]\ntesting =\n    pytest\n    flake8\n"},
        ("pytest",),
    ),
    "literals of setup.py": (
        {"setup.py": "from setuptools import setup\nsetup(install_requires=['six'])"},
        ("six",),
    ),
    "poetry": (
        {
            "pyproject.toml": "[tool.poetry.dependencies]\npython = '^3.9'\nattrs = '^23.1'\n"
            "idna = { version = '~3.4', optional = true }\nmine = { path = '../mine' }\n"
            "[tool.poetry.group.dev.dependencies]\npytest = '*'\nruff = '^0.4'\n"
        },
        ("attrs>=23.1,<24", "pytest"),
    ),
    "poetry's old table, extras and markers": (
        {
            "pyproject.toml": "[tool.poetry.dependencies]\n"
            "six = { version = '1.16', extras = ['a'], python = '<3.12' }\n"
            "[tool.poetry.dev-dependencies]\n"
            "pytest = { version = '>=7', markers = \"os_name == 'posix'\" }\n"
        },
        ("six[a]==1.16 ; python_version < '3.12'", "pytest>=7 ; (os_name == 'posix')"),
    ),
    "tox": (
        {"tox.ini": "[testenv]\ndeps =\n    pytest\n    flake8\n    py38: six\n    {env:X}\n"},
        ("pytest",),
    ),
    "tox's extras": (
        {
            "tox.ini": "[testenv]\nextras = checks\n",
            "setup.cfg": "[options.extras_require]\nchecks = pytest\n",
        },
        ("pytest",),
    ),
    "tox in its own table": (
        {"pyproject.toml": "[tool.tox.env_run_base]\ndeps = ['pytest', 'six']\n"},
        ("pytest", "six"),
    ),
    "tox's old text in pyproject": (
        {"pyproject.toml": "[tool.tox]\nlegacy_tox_ini = '''\n[testenv]\ndeps = pytest\n'''\n"},
        ("pytest",),
    ),
    "tox.toml": ({"tox.toml": "[env_run_base]\ndeps = ['pytest']\n"}, ("pytest",)),
    "nox": (
        {
            "noxfile.py": "import nox\n\n@nox.session\ndef lint(session):\n"
            "    session.install('ruff')\n\n"
            "@nox.session(python=['3.11'], name='tests')\ndef run(session):\n"
            "    session.install('-e', '.')\n    session.install('pytest', 'six>=1', '-U')\n"
            "    session.install(*others)\n    session.run('pytest')\n"
        },
        ("pytest", "six>=1"),
    ),
    "nox's extras": (
        {
            "noxfile.py": "def test(session):\n    session.install('-e', '.[checks]')\n",
            "pyproject.toml": "[project.optional-dependencies]\nchecks = ['pytest']\n",
        },
        ("pytest",),
    ),
    "nox's groups": (
        {
            "noxfile.py": "def test(session):\n"
            "    session.install(*nox.project.dependency_groups(PYPROJECT, 'unit'))\n",
            "pyproject.toml": "[dependency-groups]\nunit = ['pytest']\n",
        },
        ("pytest",),
    ),
    "a Pipfile": (
        {"Pipfile": "[packages]\nsix = '*'\n[dev-packages]\npytest = '>=7'\nblack = '*'\n"},
        ("six", "pytest>=7"),
    ),
    "an extra counts more than tox": (
        {"pyproject.toml": GROUPS, "tox.ini": "[testenv]\ndeps = attrs\n"},
        ("pytest", "six"),
    ),
}


@pytest.mark.parametrize(("files", "installs"), CASES.values(), ids=CASES)
def test_what_is_installed(files, installs):
    assert declared(**files).installs == installs


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (
            {"requirements.txt": "a\n", "requirements-dev.txt": "b\n"},
            ("requirements.txt", "requirements-dev.txt"),
        ),
        ({"requirements.txt": "\n"}, ()),
        ({"pyproject.toml": GROUPS, "requirements-dev.txt": "b\n"}, ()),
        ({"tox.ini": "[testenv]\ndeps =\n  -r ci/t.txt\n", "ci/t.txt": "a\n"}, ("ci/t.txt",)),
        ({"tox.ini": "[testenv]\ndeps = -rmissing.txt\n"}, ()),
        ({"noxfile.py": "def tests(s):\n  s.install('-r', 't.txt')\n", "t.txt": "a"}, ("t.txt",)),
        (
            {
                "pyproject.toml": "[tool.setuptools.dynamic]\n"
                "dependencies = { file = ['base.txt'] }\n",
                "base.txt": "a\n",
            },
            ("base.txt",),
        ),
    ],
)
def test_requirement_files(files, found):
    assert declared(**files).files == found


@pytest.mark.parametrize(
    ("files", "requires"),
    [
        ({"pyproject.toml": "[project]\nrequires-python = '>=3.10'\n"}, ">=3.10"),
        ({"pyproject.toml": "[tool.poetry.dependencies]\npython = '^3.9'\n"}, ">=3.9,<4"),
        ({"setup.cfg": "[options]\npython_requires = >=3.8\n"}, ">=3.8"),
        ({"setup.py": "setup(python_requires='>=3.7')"}, ">=3.7"),
        (
            {"setup.py": "setup(classifiers=['Programming Language :: Python :: 3.12'])"},
            ">=3.12",
        ),
        ({"Pipfile": "[packages]\nsix = '*'\n[requires]\npython_version = '3.11'\n"}, "==3.11.*"),
        ({"uv.lock": "requires-python = '>=3.12'\n"}, ">=3.12"),
        ({"poetry.lock": "[metadata]\npython-versions = '>=3.9,<4'\n"}, ">=3.9,<4"),
        ({"pyproject.toml": "[project]\nrequires-python = 'new'\n"}, ""),
    ],
)
def test_the_required_python(files, requires):
    assert declared(**files).requires_python == requires


@pytest.mark.parametrize(
    ("text", "prefers"),
    [
        ("3.12\n", "3.12"),
        ("3.11.4", "3.11.4"),
        ("# comment\ncpython-3.10\n", "3.10"),
        ("pypy3.9\n3.13\n", "3.13"),
        ("system\n", ""),
        ("", ""),
    ],
)
def test_the_preferred_python(text, prefers):
    assert declared(**{".python-version": text}).prefers_python == prefers


POETRY_LOCK = """
[[package]]
name = "six"
version = "1.16.0"

[[package]]
name = "mirrored"
version = "2.0"
[package.source]
type = "legacy"
url = "https://mirror.example/simple"

[[package]]
name = "forked"
version = "3.0"
[package.source]
type = "git"
url = "https://code.example/forked.git"
"""
UV_LOCK = """
version = 1
requires-python = ">=3.9"

[[package]]
name = "shop"
version = "0.1"
source = { editable = "." }

[[package]]
name = "six"
version = "1.16.0"
source = { registry = "https://index.example/simple" }

[[package]]
name = "numpy"
version = "1.26.0"
source = { registry = "https://index.example/simple" }

[[package]]
name = "numpy"
version = "2.1.0"
source = { registry = "https://index.example/simple" }

[[package]]
name = "forked"
version = "3.0"
source = { git = "https://code.example/forked.git" }
"""
PDM_LOCK = """
[[package]]
name = "six"
version = "1.16.0"

[[package]]
name = "f"
version = "1"
git = "x"
"""
PYLOCK = """
[[packages]]
name = "six"
version = "1.16.0"

[[packages]]
name = "f"
version = "1"
vcs = {}
"""
PIPFILE_LOCK = json.dumps(
    {
        "default": {"six": {"version": "==1.16.0"}, "f": {"git": "x"}},
        "develop": {"mirrored": {"version": "==2.0"}},
    }
)


@pytest.mark.parametrize(
    ("file", "text", "constraints"),
    [
        ("poetry.lock", POETRY_LOCK, ("mirrored==2.0", "six==1.16.0")),
        ("uv.lock", UV_LOCK, ("six==1.16.0",)),
        ("pdm.lock", PDM_LOCK, ("six==1.16.0",)),
        ("pylock.toml", PYLOCK, ("six==1.16.0",)),
        ("Pipfile.lock", PIPFILE_LOCK, ("mirrored==2.0", "six==1.16.0")),
    ],
)
def test_the_versions_of_a_lock_constrain_what_is_installed(file, text, constraints):
    found = declared(**{file: text})
    assert found.constraints == constraints
    assert found.installs == ()
    assert any(file in note for note in found.notes)
    plan = profile_target(FakeTree({file: text, "m.py": ""})).environment
    assert plan.constraints == constraints
    assert file in plan.dependency_files


@pytest.mark.parametrize(
    "file", ["poetry.lock", "uv.lock", "pdm.lock", "Pipfile.lock", "pylock.toml"]
)
@pytest.mark.parametrize(
    "text", ["", "[[", "[]", "package = 3\npackages = [1]\n", '{"default": 1}']
)
def test_a_malformed_lock_constrains_nothing(file, text):
    assert declared(**{file: text}).constraints == ()


@pytest.mark.parametrize(
    "file", ["pyproject.toml", "tox.ini", "tox.toml", "noxfile.py", "Pipfile", "setup.py"]
)
@pytest.mark.parametrize(
    "text", ["[[", "\0", "[testenv]\n[testenv]\n", "[tool]\npoetry = 3\ntox = 1\nuv = []\n"]
)
def test_a_malformed_file_is_no_error(file, text):
    assert declared(**{file: text}).installs == ()


def test_an_argument_of_setup_that_cannot_be_a_value_is_passed_over():
    text = "setup(extras_require={[]: 1}, classifiers={{}}, install_requires=['six'])"
    assert declared(**{"setup.py": text}).installs == ("six",)


@pytest.mark.parametrize(
    ("groups", "reason"),
    [
        ("test = ['six', {include-group = 'test'}]", "test includes itself"),
        ("test = ['six', {include-group = 'nope'}]", "'nope' not found"),
        ("test = ['six', 3]", "Invalid dependency group item"),
        ("test = ['six', '!']", "Expected package name"),
        ("test = ['six']\nTest = ['six']", "Duplicate dependency group names"),
    ],
)
def test_an_invalid_dependency_group_is_noted(groups, reason):
    found = declared(**{"pyproject.toml": f"[dependency-groups]\n{groups}\n"})
    assert found.installs == ("six",)
    assert any("dependency group test is not valid" in n and reason in n for n in found.notes)


def test_a_malformed_pyproject_is_noted():
    assert any("could not be read" in each for each in declared(**{"pyproject.toml": "[["}).notes)


@pytest.mark.parametrize(
    ("constraint", "equal"),
    [
        ("^1.2.3", ">=1.2.3,<2"),
        ("^0.2.3", ">=0.2.3,<0.3"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("^0.0", ">=0.0,<0.1"),
        ("^0", ">=0,<1"),
        ("~1.2.3", ">=1.2.3,<1.3"),
        ("~1.2", ">=1.2,<1.3"),
        ("~1", ">=1,<2"),
        ("~=1.4", "~=1.4"),
        ("*", ""),
        ("1.*", "==1.*"),
        ("1.2", "==1.2"),
        ("=1.2", "==1.2"),
        (">= 1.2, < 2", ">=1.2,<2"),
        (">=1.2 <2", ">=1.2,<2"),
        ("^1 || ^2", None),
        ("latest", None),
    ],
)
def test_constraints_of_poetry_are_converted_to_pep_440(constraint, equal):
    """By the tables of https://python-poetry.org/docs/dependency-specification/."""
    assert to_pep440(constraint) == equal


@pytest.mark.parametrize(
    ("files", "plugins"),
    [
        ({"pytest.ini": "[pytest]\naddopts = --cov=x --cov-branch -q\n"}, ("pytest-cov",)),
        ({"setup.cfg": "[tool:pytest]\naddopts = -n auto\n"}, ("pytest-xdist",)),
        ({"tox.ini": "[pytest]\nasyncio_mode = auto\n"}, ("pytest-asyncio",)),
        ({"pytest.ini": "[pytest]\naddopts = -ra --strict-markers -p no:x\n"}, ()),
        (
            {"pyproject.toml": "[tool.pytest.ini_options]\naddopts = ['--timeout=5']\n"},
            ("pytest-timeout",),
        ),
        ({"pytest.ini": "[pytest]\nrequired_plugins = pytest-mock>=3\n"}, ("pytest-mock",)),
    ],
)
def test_plugins_that_the_pytest_configuration_uses(files, plugins):
    assert declared(**files).installs == plugins


def test_a_plugin_that_is_declared_is_not_added_again():
    files = {
        "pyproject.toml": "[project]\ndependencies = ['Pytest_Cov<5']\n",
        "pytest.ini": "[pytest]\naddopts = --cov\n",
    }
    assert declared(**files).installs == ("Pytest_Cov<5",)


@pytest.mark.parametrize(
    ("requires", "version"),
    [
        (">=3.9", (3, 9)),
        (">=3.11,<4", (3, 11)),
        ("~=3.12", (3, 12)),
        (">=3.5", (3, 5)),
        (">=3", (3, 0)),
        (">=2.7, !=3.0.*, !=3.1.*", (2, 7)),
        ("==2.7.*", (2, 7)),
        ("<4", (3, 9)),
        ("", (3, 9)),
    ],
)
def test_the_oldest_python_that_is_admitted(requires, version):
    text = f"[project]\nrequires-python = '{requires}'\n" if requires else ""
    assert profile_target(FakeTree({"pyproject.toml": text})).oldest_python == version


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"setup.py": "setup(classifiers=['Programming Language :: Python :: 2.7'])"}, (2, 7)),
        (
            {
                "setup.cfg": "[metadata]\nclassifiers =\n"
                "    Programming Language :: Python :: 3.6\n"
                "    Programming Language :: Python :: 3.12\n"
            },
            (3, 6),
        ),
        ({"tox.ini": "[tox]\nenvlist = py{27,36}, py27-lint, {py36,py3.12}-x\n"}, (2, 7)),
        ({"tox.ini": "[tox]\nenvlist = py3, pypy3, lint, py38\n"}, (3, 8)),
        ({"pyproject.toml": "[tool.tox]\nenv_list = ['3.9', 'py37']\n"}, (3, 7)),
        (
            {
                "tox.ini": "[tox]\nenvlist = py36\n",
                "pyproject.toml": "[project]\nrequires-python = '>=3.8'\n",
            },
            (3, 8),
        ),
    ],
)
def test_where_no_python_is_required_classifiers_and_tox_tell_the_oldest(files, version):
    assert profile_target(FakeTree(files)).oldest_python == version


def test_setup_commands_replace_what_was_detected():
    config = '[environment]\nsetup = ["make env"]\n'
    files = {"requirements.txt": "a\n", "groundswell.toml": config, "uv.lock": UV_LOCK}
    found = profile_target(FakeTree(files)).environment
    assert (found.setup, found.installs, found.requirement_files) == (("make env",), (), ())
    assert found.constraints == ()


@pytest.mark.parametrize(
    ("command", "framework"),
    [
        ("", "pytest"),
        ("pytest -x", "pytest"),
        ("python -m pytest tests", "pytest"),
        ("python -m unittest", "unittest"),
        ("python3 -m unittest discover -s tests", "unittest"),
        ("coverage run -m unittest", "custom"),
        ("make test", "custom"),
    ],
)
def test_the_framework_follows_from_the_test_command(command, framework):
    config = f'[test]\ncommand = "{command}"\n'
    found = profile_target(FakeTree({"groundswell.toml": config, "test_m.py": ""})).test
    assert found.framework == framework
