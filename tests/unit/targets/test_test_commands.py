"""How a Python target's tests may be run, in the order in which that is tried."""

import pytest

from shared.targets.profile import profile_target
from shared.targets.test_commands import discover_tests
from tests.support.trees import FakeTree

CASE = (
    "import unittest\n\n\nclass SomeTest(unittest.TestCase):\n    def test_a(self):\n        pass\n"
)
MANAGE = 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_.settings")\n'
PYTEST = "python -m pytest"


def commands(**files: str) -> list[str]:
    return [" ".join(each.command) for each in discover_tests(FakeTree(files)).commands]


def test_pytest_is_enough_where_it_finds_all_tests():
    found = discover_tests(FakeTree({"tests/test_a.py": CASE, "a.py": "def testing(): pass"}))
    assert " ".join(found.commands[0].command) == PYTEST
    assert found.expected == 1


@pytest.mark.parametrize("path", ["tests.py", "test.py", "pkg/shop_tests.py", "pkg/checks.py"])
def test_tests_outside_of_pytests_patterns_are_named_to_it(path: str):
    first, *others = commands(**{path: CASE})
    assert first == f"{PYTEST} -o python_files=test_*.py *_test.py {path}"
    assert others[-1] == "python -m unittest"


def test_what_pytests_configuration_leaves_out_stays_out():
    files = {"pytest.ini": "[pytest]\ntestpaths = tests\n", "tests/test_a.py": CASE}
    assert commands(**files, **{"old/tests.py": CASE})[0] == PYTEST


def test_django_is_tested_by_pytest_with_its_settings_or_by_manage_py():
    found = discover_tests(FakeTree({"manage.py": MANAGE, "shop/tests.py": CASE}))
    first, second, *_ = (" ".join(each.command) for each in found.commands)
    assert first.startswith(f"{PYTEST} --ds=site_.settings -o python_files=")
    assert second == "python manage.py test --noinput"
    assert found.plugins == ("pytest-django",)


@pytest.mark.parametrize(
    ("file", "text", "command"),
    [
        (
            "tox.ini",
            "[testenv]\ncommands =\n  {envpython} -W error runtests.py -q {posargs}\n",
            "python runtests.py -q",
        ),
        (
            "Makefile",
            "lint:\n\truff .\ntest: lint\n\t@PYTHONPATH=. python3 -m unittest discover -s t\n",
            "python -m unittest discover -s t",
        ),
        ("justfile", "test:\n    coverage run --source pkg -m unittest\n", "python -m unittest"),
        (
            "noxfile.py",
            "def tests(session):\n    session.run('python', 'check_all.py')\n",
            "python check_all.py",
        ),
        ("package.json", '{"scripts": {"test": "python check_all.py"}}', "python check_all.py"),
        (
            ".github/workflows/ci.yml",
            "steps:\n  - run: |\n      pip install .\n      poetry run python -m pkg.tests\n",
            "python -m pkg.tests",
        ),
        ("tox.ini", "[testenv]\ncommands = ./run-checks.sh\n", "sh run-checks.sh"),
    ],
)
def test_a_command_that_the_project_names_is_tried(file: str, text: str, command: str):
    files = {
        file: text,
        "tests/test_a.py": CASE,
        "runtests.py": "",
        "check_all.py": "",
        "run-checks.sh": "",
        "pkg/tests/__main__.py": "",
    }
    found = discover_tests(FakeTree(files)).commands
    assert " ".join(found[0].command) == PYTEST
    named = {" ".join(each.command): each for each in found}
    assert named[command].is_named
    assert list(named)[-1] == "python -m unittest" or command == "python -m unittest"


def test_all_that_a_project_names_is_tried_in_the_order_of_its_kinds():
    files = {
        ".github/workflows/ci.yml": "steps:\n  - run: python check_ci.py\n",
        "package.json": '{"scripts": {"test": "python check_npm.py"}}',
        "justfile": "test:\n    python check_just.py\n",
        "Makefile": "test:\n\tpython check_make.py\n",
        "noxfile.py": "def tests(session):\n    session.run('python', 'check_nox.py')\n",
        "tox.ini": "[testenv]\ncommands = python check_tox.py\n",
        "runtests.py": "",
        "manage.py": MANAGE,
        "tests/test_a.py": CASE,
    }
    scripts = [f"check_{each}.py" for each in ("tox", "nox", "make", "just", "npm", "ci")]
    assert commands(**files, **dict.fromkeys(scripts, "")) == [
        f"{PYTEST} --ds=site_.settings",
        "python manage.py test --noinput",
        "python runtests.py",
        *(f"python {each}" for each in scripts),
        "python -m unittest",
    ]


def test_commands_that_are_no_test_runs_are_not_tried():
    make = "test:\n\tpytest -q\n\tpython setup.py build\n\t$(MAKE) check | tee log\n"
    assert commands(**{"Makefile": make, "setup.py": "", "tests/test_a.py": CASE}) == [
        PYTEST,
        "python -m unittest",
    ]


@pytest.mark.parametrize("package", ["[" * 100_000, "[]", "{", '{"a":' * 900 + "1" + "}" * 900])
def test_a_package_json_that_cannot_be_read_names_no_command(package: str):
    files = {"package.json": package, "setup.py": "", "tests/test_a.py": CASE}
    assert commands(**files) == [PYTEST, "python -m unittest"]


def test_a_configured_command_is_the_only_one():
    config = '[test]\ncommand = "python runtests.py"\n'
    plan = profile_target(FakeTree({"groundswell.toml": config, "tests.py": CASE})).test
    assert plan.command == ("python", "runtests.py")
    assert plan.alternatives == ()
