"""Reading a package.json, and the profile of a target that has one."""

import json

import pytest

from services.agents.types.code_quality.section import repair_command
from shared.detectors.ports import Source
from shared.targets.node import read_package
from shared.targets.profile import profile_target
from tests.support.trees import FakeTree

SOURCES = {"src/a.js": "x\n", "lib/b.mjs": "x\n", "index.js": "x\n", "test/a.test.js": "x\n"}


def a_package(files=SOURCES, **package):
    return FakeTree({"package.json": json.dumps(package), **files})


def test_a_package_is_tested_by_its_own_script_and_repaired_by_its_own_linter():
    found = profile_target(
        a_package(
            scripts={"test": "node --test", "lint": "eslint ."}, devDependencies={"eslint": "^9"}
        )
    )
    assert found.test.command == ("npm", "test", "--silent")
    assert found.test.framework == "junit"
    assert found.test.test_files == ("test/a.test.js",)
    assert found.environment.needs_node
    assert found.environment.installs == ("eslint@^9",)
    assert found.lint_fix == "npm run --silent lint -- --fix"
    assert [each.name for each in found.components] == ["lib", "root", "src"]


@pytest.mark.parametrize(
    ("scripts", "fix"),
    [
        ({}, ""),
        ({"lint": "eslint src"}, "npm run --silent lint -- --fix"),
        ({"lint": "npx biome check"}, "npm run --silent lint -- --fix"),
        ({"lint": "tsc --noEmit"}, ""),
        ({"lint": "eslint .", "lint:fix": "eslint . --fix"}, "npm run --silent lint:fix"),
    ],
)
def test_how_a_package_repairs_itself(scripts, fix):
    assert profile_target(a_package(scripts=scripts)).lint_fix == fix


@pytest.mark.parametrize(
    ("script", "framework"),
    [
        ("node --test", "junit"),
        ("jest", "jest"),
        ("NODE_OPTIONS=--experimental-vm-modules npx jest --coverage", "jest"),
        ("cross-env CI=1 jest", "jest"),
        ("vitest run", "vitest"),
    ],
)
def test_a_known_runner_alone_in_the_test_script_reports_each_test(script, framework):
    found = profile_target(a_package(scripts={"test": script}))
    assert found.test.framework == framework
    assert not any("exit code" in each for each in found.notes)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("jest --bail", ["--bail=0"]),
        ("vitest", ["--run", "--bail=0"]),
        ("vitest run", ["--bail=0"]),
        ("npx vitest --run --bail=1", []),
        ("vitest --runner=x", ["--run", "--bail=0"]),
    ],
)
def test_a_runner_gets_the_missing_options_to_run_every_test_once(script, told):
    found = profile_target(a_package(scripts={"test": script}))
    assert found.test.command == ("npm", "test", "--silent", "--", *told)


@pytest.mark.parametrize(
    "script",
    ["mocha", "echo node && x --test", "node test.js", "jest && echo ok", "jest; true", "jester"],
)
def test_a_note_says_that_only_the_exit_code_of_other_scripts_is_known(script):
    found = profile_target(a_package(scripts={"test": script}))
    assert found.test.framework == "custom"
    assert any("only the exit code is known" in each for each in found.notes)


def test_without_a_test_script_there_are_no_tests():
    assert profile_target(a_package()).test.test_files == ()


@pytest.mark.parametrize("file", ["pyproject.toml", "setup.py", "requirements.txt"])
def test_a_python_project_with_a_package_json_is_a_python_project(file):
    tree = a_package(
        {**SOURCES, file: "", "package/__init__.py": ""}, scripts={"test": "node --test"}
    )
    assert read_package(tree) is None
    assert not profile_target(tree).environment.needs_node


@pytest.mark.parametrize("content", ["", "[]", "{", '{"scripts": []}', '{"dependencies": "x"}'])
def test_a_malformed_package_json_is_no_error(content):
    profile_target(FakeTree({"package.json": content, **SOURCES}))


def test_the_packages_of_a_workspace_are_its_components():
    files = {
        "packages/one/index.js": "x",
        "packages/two/src/a.ts": "x",
        "packages/two/src/a.d.ts": "x",
    }
    found = profile_target(a_package(files)).components
    assert [(each.name, each.paths) for each in found] == [
        ("one", ("/packages/one/",)),
        ("two", ("/packages/two/",)),
    ]


def test_a_target_may_name_its_own_fix_command():
    tree = FakeTree({"groundswell.toml": '[agents.code_quality]\nfix = "black ."\n', "m.py": ""})
    assert repair_command(Source(tree, profile_target(tree))) == "black ."


def test_lock_files_of_other_package_managers_are_noted_as_unread():
    found = profile_target(a_package({**SOURCES, "yarn.lock": ""}, scripts={"test": "jest"}))
    assert "yarn.lock is not read: dependencies are installed by npm." in found.notes
