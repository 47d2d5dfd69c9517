"""What a developer of the target has installed is installed: its project, and what that needs."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.environments.build import UvEnvironments
from shared.environments.ports import Environment, PytestPlugin
from tests.support.profiles import a_profile
from tests.support.wheels import BACKEND, a_setuptools, a_wheel

Build = Callable[..., UvEnvironments]
IN_TREE = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
PROJECT = '[project]\nname = "shop"\nversion = "1.0"\n'
ENTRY_POINTS = (
    '[project.scripts]\nshop = "shop.main:main"\n'
    '[project.entry-points.pytest11]\nshopped = "shop.plugin"\n'
)
VERSION_READER = "from importlib.metadata import version\nVERSION = version('shop')\n"


def installed(made: Environment) -> dict[str, str]:
    """The version of each distribution by its name."""
    code = (
        "from importlib.metadata import distributions as d\n"
        "for each in d(): print(each.name, each.version)"
    )
    done = subprocess.run(
        [made.bin / "python", "-c", code], capture_output=True, text=True, env={}, check=True
    )
    return dict(line.split() for line in done.stdout.splitlines())


@pytest.mark.parametrize("system", [IN_TREE, ""], ids=["a build system", "none"])
async def test_a_project_has_its_metadata_scripts_and_plugins(
    build: Build, wheels: Path, system: str
):
    a_setuptools(wheels)
    files = {"pyproject.toml": system + PROJECT + ENTRY_POINTS, "backend.py": BACKEND}
    made = await build(**files).prepare("target", a_profile(needs_metadata=True), "tree")
    assert made.notes == ()
    assert installed(made)["shop"] == "1.0"
    assert (made.bin / "shop").exists()
    assert made.plugins == (PytestPlugin("shop", "shopped", "shop.plugin"),)
    assert made.roots == (".",)


@pytest.mark.parametrize(
    ("source", "installs", "expected"),
    [(VERSION_READER, (), True), ("", ("thing",), True), ("", ("pytest",), False)],
    ids=["its code reads them", "a dependency may", "nobody would"],
)
async def test_the_metadata_of_a_bare_project_are_installed_where_anything_may_read_them(
    build: Build, wheels: Path, source: str, installs: tuple[str, ...], expected: bool
):
    a_setuptools(wheels)
    files = {"pyproject.toml": PROJECT, "shop.py": source}
    plan = a_profile(needs_metadata=True, installs=installs)
    made = await build(**files).prepare("target", plan, "tree")
    assert ("shop" in installed(made)) is expected


async def test_a_version_that_a_tool_takes_from_tags_is_the_one_of_the_plan(build: Build):
    dynamic = PROJECT.replace('version = "1.0"', 'dynamic = ["version"]')
    files = {"pyproject.toml": IN_TREE + dynamic, "backend.py": BACKEND}
    plan = a_profile(needs_metadata=True, version="1.2.0")
    made = await build(**files).prepare("target", plan, "tree")
    assert made.notes == ()
    assert installed(made)["shop"] == "1.2.0"


async def test_a_set_up_command_is_told_the_version_and_the_time_of_its_packages(build: Build):
    told = 'echo "$SETUPTOOLS_SCM_PRETEND_VERSION $UV_EXCLUDE_NEWER" > "$VIRTUAL_ENV/told"'
    moment = "2024-05-01T00:00:00Z"
    plan = a_profile(setup=(told,), version="1.2.0", as_of=moment)
    made = await build().prepare("target", plan, "tree")
    assert (made.bin.parent / "told").read_text() == f"1.2.0 {moment}\n"
    today = await build().prepare("target", a_profile(setup=(told,)), "tree")
    assert (today.bin.parent / "told").read_text() == " \n"


async def test_requirement_files_are_installed_as_pip_does(build: Build, wheels: Path):
    a_wheel(wheels, "3.0", "bonus")
    core = IN_TREE + PROJECT.replace("shop", "core")
    extra = '[project.optional-dependencies]\nextra = ["bonus"]\n'
    lines = "-c limits.txt\n-e ./libs/core\n-e .[extra]\nthing\nno-such; python_version < '3'\n"
    files = {
        "pyproject.toml": IN_TREE + PROJECT + extra,
        "backend.py": BACKEND,
        "libs/core/pyproject.toml": core,
        "libs/core/backend.py": BACKEND,
        "requirements.txt": lines,
        "limits.txt": "thing==1.0\n",
    }
    plan = a_profile(requirement_files=("requirements.txt",), needs_metadata=True)
    made = await build(**files).prepare("target", plan, "tree")
    assert made.notes == ()
    found = {name: version for name, version in installed(made).items() if name != "pytest"}
    wanted = {"shop": "1.0", "core": "1.0", "thing": "1.0", "bonus": "3.0"}
    assert found.items() >= wanted.items()
    assert set(made.roots) == {".", "libs/core"}


@pytest.mark.usefixtures("wheels")
async def test_a_requirement_that_cannot_be_had_is_left_out_and_named(build: Build):
    made = await build().prepare("target", a_profile(installs=("thing", "no-such")), "tree")
    assert installed(made)["thing"] == "2.0"
    [note] = made.notes
    assert note.startswith("no-such is left out, as it cannot be had: ")


@pytest.mark.parametrize("source", ["fast.c", "fast.py"])
async def test_where_a_project_with_compiled_parts_cannot_be_installed_the_note_says_what_fails(
    build: Build, source: str
):
    files = {"pyproject.toml": '[build-system]\nrequires = ["no-such-backend"]\n', source: ""}
    made = await build(**files).prepare("target", a_profile(needs_metadata=True), "tree")
    [note] = made.notes
    hint = "Its compiled parts are missing, so tests that import them fail."
    assert note.endswith(hint) is (source == "fast.c")
