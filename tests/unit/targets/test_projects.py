"""Repositories whose project is not at the root, or that have several."""

import pytest

from shared.targets.discovery import unowned_sources
from shared.targets.profile import profile_target
from shared.targets.projects import project_folders
from tests.support.trees import FakeTree

PROJECT = '[project]\nname = "{}"\nversion = "1"\nrequires-python = "{}"\ndependencies = {}\n'
TEST = "def test_a(): pass\n"


def a_workspace() -> FakeTree:
    root = PROJECT.format("all", ">=3.9", '["core", "web"]')
    members = '[tool.uv.workspace]\nmembers = ["packages/*"]\nexclude = ["packages/old"]\n'
    files = {"pyproject.toml": root + members}
    for name, requires in (("core", "[]"), ("web", '["core", "attrs"]'), ("old", "[]")):
        files |= {
            f"packages/{name}/pyproject.toml": PROJECT.format(name, ">=3.10", requires),
            f"packages/{name}/src/{name}/__init__.py": "",
            f"packages/{name}/src/{name}/code.py": "",
            f"packages/{name}/tests/test_it.py": TEST,
        }
    return FakeTree(files)


def unowned(files):
    tree = FakeTree(files)
    profile = profile_target(tree)
    return unowned_sources(tree, profile.config, profile.components)


def test_the_members_of_a_workspace_are_components_and_importable():
    found = profile_target(a_workspace())
    assert {each.name: each.paths for each in found.components} == {
        "old": ("/packages/old/",),
        "core": ("/packages/core/src/core/",),
        "web": ("/packages/web/src/web/",),
    }
    assert found.environment.projects == ("packages/core", "packages/web")
    assert found.environment.installs == ("attrs",)
    assert found.environment.requires_python == ">=3.9,>=3.10"
    assert "packages/web/src" in found.test.pythonpath


def test_a_project_in_a_folder_is_tested_with_its_own_configuration():
    pytest_settings = '[tool.pytest.ini_options]\npythonpath = ["."]\ntestpaths = ["tests"]\n'
    files = {
        "backend/pyproject.toml": PROJECT.format("app", ">=3.9", '["attrs"]') + pytest_settings,
        "backend/app/__init__.py": "",
        "backend/tests/test_add.py": TEST,
        "frontend/package.json": '{"scripts": {"test": "true"}}',
        "frontend/index.js": "",
    }
    found = profile_target(FakeTree(files))
    assert [(each.name, each.paths) for each in found.components] == [("app", ("/backend/app/",))]
    assert found.environment.installs == ("attrs",)
    assert found.test.command == (
        *("python", "-m", "pytest", "-c", "backend/pyproject.toml", "--rootdir=."),
        "backend/tests",
    )
    assert unowned(files) == ("frontend/index.js",)


def test_namespace_packages_belong_to_a_component():
    files = {"src/ns/one/__init__.py": "", "src/plain/__init__.py": "", "pyproject.toml": ""}
    found = profile_target(FakeTree({**files, "tests/test_a.py": TEST}))
    assert not unowned({**files, "tests/test_a.py": TEST})
    assert {each.name for each in found.components} == {"src", "plain"}


def test_python_counts_beside_a_package_json_for_assets():
    files = {"calc/__init__.py": "", "tests/test_a.py": TEST, "assets/main.js": ""}
    package = '{"scripts": {"build": "webpack"}}'
    found = profile_target(FakeTree({**files, "package.json": package}))
    assert not found.environment.needs_node
    assert "calc" in {each.name for each in found.components}
    tested = profile_target(FakeTree({**files, "package.json": '{"scripts": {"test": "jest"}}'}))
    assert tested.environment.needs_node
    piped = {**files, "package.json": '{"scripts": {"test": "jest"}}', "Pipfile": "[packages]\n"}
    assert not profile_target(FakeTree(piped)).environment.needs_node


@pytest.mark.parametrize(
    "declared",
    [
        '[tool.poetry.dependencies]\ncore = {path = "libs/core"}\n',
        '[tool.poetry.dev-dependencies]\ncore = {path = "libs/core", develop = true}\n',
        '[tool.poetry.group.test.dependencies]\ncore = {path = "./libs/core/"}\n',
        '[tool.uv.sources]\ncore = {path = "libs/core", editable = true}\n',
    ],
    ids=["poetry", "poetry dev", "poetry group", "uv"],
)
def test_the_folders_that_dependencies_come_from_are_projects(declared):
    outside = 'up = {path = "../up"}\nnone = {path = "libs/none"}\nweb = {version = "1"}\n'
    files = {
        "pyproject.toml": f'[tool.poetry]\nname = "all"\n{declared}{outside}',
        "libs/core/pyproject.toml": PROJECT.format("core", ">=3.9", "[]"),
        "libs/core/core/__init__.py": "",
        "libs/other/pyproject.toml": PROJECT.format("other", ">=3.9", "[]"),
    }
    assert project_folders(FakeTree(files)) == ("libs/core",)
    assert profile_target(FakeTree(files)).environment.projects == ("libs/core",)
