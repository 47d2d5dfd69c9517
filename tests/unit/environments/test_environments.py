"""Building a target's environment: real virtual environments, without a network."""

# ruff: noqa: ASYNC221  (a test may block the loop it has to itself)

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from shared.environments.build import UvEnvironments
from shared.environments.failures import failure
from shared.environments.interpreters import (
    Interpreter,
    find_interpreter,
    is_permitted,
    running_interpreter,
)
from shared.environments.node import failure_reason
from shared.environments.pytest_copy import pytest_distributions
from shared.environments.storage import evict
from shared.kernel.errors import Rejected
from shared.sandbox.ports import Completed
from tests.support.profiles import a_profile
from tests.support.trees import FakeTree

pytestmark = pytest.mark.usefixtures("no_network")

Build = Callable[..., UvEnvironments]


async def test_a_target_that_needs_nothing_gets_pytest_without_a_network(build: Build):
    made = await build().prepare("target", a_profile(), "tree")
    assert not made.cached
    for argv in (
        [made.bin / "python", "-m", "pytest", "--version"],
        [made.bin / "pytest", "--version"],
    ):
        done = subprocess.run(argv, capture_output=True, text=True, env={}, check=True)
        assert done.stdout.startswith("pytest ")
    site = subprocess.run(
        [made.bin / "python", "-c", "import pytest; print(pytest.__file__)"],
        capture_output=True, text=True, env={}, check=True,
    )  # fmt: skip
    assert Path(site.stdout).is_relative_to(made.bin.parent)


async def test_the_second_time_it_comes_from_the_cache(build: Build):
    first = await build().prepare("target", a_profile(), "tree")
    second = await build().prepare("target", a_profile(), "tree")
    assert (second.cached, second.seconds) == (True, 0.0)
    assert (second.key, second.bin) == (first.key, first.bin)


async def test_builders_of_the_same_environment_wait_for_each_other(build: Build):
    made = await asyncio.gather(*(build().prepare("target", a_profile(), "tree") for _ in range(3)))
    assert sorted(each.cached for each in made) == [False, True, True]


async def test_other_dependency_files_are_another_environment(build: Build):
    copied = a_profile(dependency_files=("a.txt",), setup=('cp a.txt "$VIRTUAL_ENV"',))
    one = await build(**{"a.txt": "1"}).prepare("target", copied, "tree")
    other = await build(**{"a.txt": "2"}).prepare("target", copied, "tree")
    assert one.key != other.key
    assert (other.bin.parent / "a.txt").read_text() == "2"


async def test_what_is_built_the_same_from_other_files_is_the_same_environment(
    build: Build, home: Path
):
    """So what ran in it need not run again, as where a build reads a file that only has code."""
    profile = a_profile(dependency_files=("a.txt",), setup=())
    one = await build(**{"a.txt": "1"}).prepare("target", profile, "tree")
    other = await build(**{"a.txt": "2"}).prepare("target", profile, "tree")
    again = await build(**{"a.txt": "2"}).prepare("target", profile, "tree")
    assert (one.key, one.bin) == (other.key, other.bin) == (again.key, again.bin)
    assert (one.cached, other.cached, again.cached) == (False, False, True)
    assert [each.name for each in (home / "environments").iterdir() if each.is_dir()] == [one.key]
    elsewhere = await build(**{"a.txt": "2"}).prepare("another", profile, "tree")
    assert elsewhere.key != one.key


async def test_another_target_has_an_environment_of_its_own(build: Build, home: Path):
    """What a target's set-up leaves behind must not be what another one's tests run in."""
    hostile = a_profile(setup=('echo "poison" > "$VIRTUAL_ENV/marker"',))
    one = await build().prepare("hostile", hostile, "tree")
    other = await build().prepare("honest", hostile, "tree")
    (one.bin.parent / "marker").write_text("changed")
    assert one.key != other.key
    assert not other.cached
    assert {each.name for each in (home / "cache").iterdir()} == {"hostile", "honest"}


async def test_a_backtest_shares_no_environment_with_the_gate(build: Build, home: Path):
    gate = await build().prepare("target", a_profile(setup=()), "tree")
    backtest = await build().prepare("target", a_profile(setup=(), namespace="backtest"), "tree")
    assert gate.key != backtest.key
    assert {each.name for each in (home / "cache").iterdir()} == {"target", "target-backtest"}


@pytest.mark.parametrize(
    ("setup", "changed"),
    [
        (("sh tools/prepare.sh",), "tools/prepare.sh"),
        (("make -C native",), "native/rules.mk"),
        (("python -m tools.fill",), "tools/numbers.py"),
        (None, "tools/numbers.py"),
        (None, "src/fast.c"),
    ],
)
def test_what_the_set_up_executes_is_part_of_the_key(setup: tuple[str, ...] | None, changed: str):
    content = {
        "setup.py": "from tools.fill import value\n",
        "tools/prepare.sh": "true",
        "tools/fill.py": "import tools.numbers as numbers\nvalue = numbers.ONE\n",
        "tools/numbers.py": "ONE = 1\n",
        "native/Makefile": "include rules.mk\n",
        "native/rules.mk": "all: ;\n",
        "src/fast.c": "int one;\n",
        "src/code.py": "ONE = 1\n",
    }
    plan = a_profile(setup=setup, needs_metadata=setup is None).environment

    def key(**more: str) -> str:
        return plan.key(FakeTree({**content, **more}), "target")

    assert key(**{changed: "other"}) != key()
    assert key(**{"src/code.py": "other"}) == key()
    assert plan.key(FakeTree(content), "other target") != key()


async def test_a_build_that_was_killed_is_made_again(build: Build):
    made = await build().prepare("target", a_profile(), "tree")
    made.bin.parent.with_suffix(".json").unlink()
    (made.bin.parent / "leftover").write_text("x")
    again = await build().prepare("target", a_profile(), "tree")
    assert not again.cached
    assert not (made.bin.parent / "leftover").exists()


async def test_set_up_commands_run_in_the_tree_with_the_environment_first_on_path(build: Build):
    command = 'test -f marker && cp marker "$(dirname "$(command -v python)")/../copied"'
    made = await build(marker="x").prepare("target", a_profile(setup=(command,)), "tree")
    assert (made.bin.parent / "copied").read_text() == "x"


async def test_a_set_up_command_that_fails_says_its_last_lines_and_leaves_nothing(
    build: Build, home: Path
):
    command = "seq 1 40; echo no such thing >&2; exit 3"
    with pytest.raises(Rejected) as caught:
        await build().prepare("target", a_profile(setup=(command,)), "tree")
    assert caught.value.code == "setup_failed"
    assert caught.value.message.endswith("39\n40\nno such thing")
    assert "\n20\n" not in caught.value.message
    assert command in caught.value.hint
    assert not [each for each in (home / "environments").iterdir() if each.is_dir()]


async def test_a_requirement_that_cannot_be_had_says_the_command_to_try(build: Build):
    with pytest.raises(Rejected) as caught:
        await build().prepare("target", a_profile(installs=("no-such-package-here",)), "tree")
    assert caught.value.code == "setup_failed"
    assert "uv pip install" in caught.value.hint
    assert "no-such-package-here" in caught.value.hint


async def test_metadata_that_cannot_be_built_is_only_a_note(build: Build):
    content = {"pyproject.toml": '[build-system]\nrequires = ["no-such-backend"]\n'}
    made = await build(**content).prepare("target", a_profile(needs_metadata=True), "tree")
    assert "metadata could not be installed" in made.notes[0]
    assert (await build(**content).prepare("t", a_profile(needs_metadata=True), "tree")).notes


async def test_a_cancelled_build_leaves_nothing(build: Build, home: Path):
    task = asyncio.create_task(build().prepare("t", a_profile(setup=("sleep 600",)), "tree"))
    for _ in range(1000):
        if list((home / "environments").glob("*/bin/uv")):
            break
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not [each for each in (home / "environments").iterdir() if each.is_dir()]


async def test_a_python_that_is_not_here_is_said_and_never_downloaded():
    with pytest.raises(Rejected) as caught:
        await find_interpreter(">=3.99")
    assert caught.value.code == "setup_failed"
    assert ">=3.99" in caught.value.message


@pytest.mark.parametrize(
    ("requires", "version", "admitted"),
    [
        ("", "3.11.7", True),
        (">=3.9,<4", "3.11.7", True),
        ("<3.11", "3.11.7", False),
        ("?", "3", True),
    ],
)
def test_what_requires_python_admits(requires: str, version: str, admitted: bool):
    assert is_permitted(requires, version) is admitted


def test_pytest_is_lent_with_all_it_needs_and_only_to_a_python_it_runs_on():
    names = {each.metadata["Name"].lower() for each in pytest_distributions("3.12.1")}
    assert {"pytest", "pluggy", "iniconfig", "packaging", "pygments"} <= names
    assert pytest_distributions("3.7.16") == ()


def test_a_registry_that_cannot_be_reached_is_said_in_a_sentence():
    said = "error: Failed to fetch: dns error: failed to lookup address information"
    rejected = failure(Completed(2, said, 1.0), shown_as="uv pip install x")
    assert "a package registry could not be reached" in rejected.message


async def test_what_the_set_up_printed_is_kept(build: Build):
    made = await build().prepare("target", a_profile(setup=("echo all is installed",)), "tree")
    assert "all is installed" in made.bin.parent.with_suffix(".log").read_text()


async def test_a_set_up_cannot_make_us_write_through_its_links(build: Build, home: Path):
    """What the set-up leaves is a stranger's: what we bring afterwards stays in the environment."""
    victim = home / "victim"
    victim.mkdir()
    victim.chmod(0o777)
    site = "site=$(python -c \"import sysconfig; print(sysconfig.get_path('purelib'))\")"
    links = f"{site}; rm -rf $site; ln -s {victim} $site; ln -sf {victim}/x $VIRTUAL_ENV/bin/pytest"
    with suppress(Rejected):
        await build().prepare("target", a_profile(setup=(links,)), "tree")
    assert list(victim.iterdir()) == []


def test_what_was_used_longest_ago_goes_first_and_what_is_in_use_stays(tmp_path: Path):
    environments, caches = tmp_path / "environments", tmp_path / "cache"
    caches.mkdir()
    for name, age in (("old", 30_000), ("older", 60_000), ("new", 10), ("wanted", 90_000)):
        (environments / name).mkdir(parents=True)
        known = environments / f"{name}.json"
        known.write_text(json.dumps({"notes": [], "seconds": 1, "size": 100}))
        os.utime(known, (time.time() - age,) * 2)
    assert evict(environments, caches, 300, {"wanted"}) == ["older"]
    assert evict(environments, caches, 100, {"wanted"}) == ["old"]
    assert sorted(each.name for each in environments.iterdir() if each.is_dir()) == [
        "new",
        "wanted",
    ]


@pytest.mark.usefixtures("wheels")
@pytest.mark.parametrize(
    ("constraints", "version", "notes"),
    [((), "2.0", 0), (("thing==1.0", "other==7"), "1.0", 0), (("thing==3.0",), "2.0", 1)],
)
async def test_what_a_lock_says_is_installed_where_it_can_be_had(
    build: Build, constraints: tuple[str, ...], version: str, notes: int
):
    plan = a_profile(installs=("thing",), constraints=constraints)
    made = await build().prepare("target", plan, "tree")
    argv = [made.bin / "python", "-c", "import thing; print(thing.VERSION)"]
    done = subprocess.run(argv, capture_output=True, text=True, env={}, check=True)
    assert done.stdout.strip() == version
    assert len(made.notes) == notes
    assert all("could not be installed as thing==3.0" in each for each in made.notes)


async def test_the_python_that_is_preferred_is_taken_where_it_is_admitted(
    monkeypatch: pytest.MonkeyPatch,
):
    ours = running_interpreter().version
    asked: list[str] = []

    async def find(wanted: str, _: object) -> Interpreter | None:
        asked.append(wanted)
        return running_interpreter() if is_permitted(wanted, ours) else None

    monkeypatch.setattr("shared.environments.interpreters._find", find)
    minor = ours.rpartition(".")[0]
    assert await find_interpreter(">=3.8", prefers=minor) == running_interpreter()
    assert asked == [f">=3.8,=={minor}.*"]
    asked.clear()
    assert await find_interpreter(">=3.8", prefers="3.99") == running_interpreter()
    assert asked == [">=3.8,==3.99.*", ">=3.8"]


def test_the_reason_of_a_failed_npm_is_its_first_sentence():
    output = (
        "npm warn x\nnpm error code EUSAGE\nnpm error\n"
        "npm error `npm ci` can only install\nnpm error Usage:\n"
    )
    assert failure_reason(output) == "`npm ci` can only install"
    assert failure_reason("Killed\n") == ""
