"""What a target's own repairing command changes is found, proposed, and remembered."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.agents.adapters.commands import SandboxedCommands
from services.agents.engines.chain import ChainedEngines
from services.agents.types.code_quality.repair import RepairCommandEngine
from services.agents.types.code_quality.section import repair_command
from shared.agent_types import Priors
from shared.agent_types.changes import changed_lines
from shared.detectors.ports import DetectorResources, Source
from shared.detectors.repair_command import RepairCommandDetector
from shared.environments.ports import Environment
from shared.kernel.errors import Rejected
from shared.kernel.ids import uuid7
from shared.sandbox.scratch import Scratch
from shared.targets.mirror import Mirror
from shared.targets.profile import profile_target
from tests.support.agents import proposals_of
from tests.support.repositories import a_repository
from tests.support.sandboxes import a_home, a_sandbox, the_best

FIX = "sed -i s/bad/good/ src/*.js; echo more >> test/a.test.js; echo x > new.js; exit 1"
FILES = {
    "package.json": "{}",
    "groundswell.toml": f'[agents.code_quality]\nfix = "{FIX}"\n',
    "src/a.js": "one\nbad\nthree\n" * 2,
    "src/fine.js": "fine\n",
    "lib/b.js": "bad\n",
    "test/a.test.js": "x\n",
}


class NoEnvironments:
    async def prepare(self, *_):
        return Environment("e", Path("/nowhere/bin"), (), 0.0, True)


def a_source(tmp_path, **changes):
    files = {name: text for name, text in {**FILES, **changes}.items() if text is not None}
    place = a_repository(tmp_path / "target", **files)
    mirror = Mirror.at(tmp_path / "home", "t")
    mirror.fetch(str(place))
    tree = mirror.tree("refs/target/main")
    return Source(tree, profile_target(tree), "t")


@pytest.fixture
async def commands() -> AsyncIterator[SandboxedCommands]:
    with a_home() as home:
        scratch = Scratch(home / "runs", uuid7)
        async with a_sandbox(the_best()) as sandbox:

            async def same():
                return sandbox

            async def none():
                return NoEnvironments()

            yield SandboxedCommands(scratch, same, none)
        scratch.close()


def a_detector(commands):
    return RepairCommandDetector(DetectorResources(Path(), commands), repair_command)


def an_engine(commands):
    return RepairCommandEngine(DetectorResources(Path(), commands), Priors())


async def test_each_place_it_changes_is_a_finding_and_protected_files_are_left_alone(
    commands, tmp_path
):
    measured = await a_detector(commands).measure(a_source(tmp_path))
    assert [(each.path, each.line, each.rule) for each in measured.findings] == [
        ("src/a.js", 2, "own:OWN"),
        ("src/a.js", 5, "own:OWN"),
    ]
    assert len({each.fingerprint for each in measured.findings}) == 2
    assert measured.lines == {"lib": 1, "src": 7}


async def test_what_it_changes_in_a_component_is_one_proposal(commands, tmp_path):
    source = a_source(tmp_path)
    [proposal] = await proposals_of(an_engine(commands), source, "src", ())
    assert proposal.title == "style(src): apply the project's own lint fixes"
    assert proposal.changes == {"src/a.js": ("one\nbad\nthree\n" * 2, "one\ngood\nthree\n" * 2)}
    assert changed_lines(*proposal.changes["src/a.js"]) == (2, 2)
    assert not proposal.safe
    assert await proposals_of(an_engine(commands), source, "lib", ()) == []
    assert await proposals_of(an_engine(commands), source, "src", (), ("/src/z.js",)) == []


async def test_a_file_of_which_something_was_refused_is_not_proposed_again(commands, tmp_path):
    source = a_source(tmp_path)
    refused = (await a_detector(commands).measure(source)).findings[0].fingerprint
    assert await proposals_of(an_engine(commands), source, "src", (refused,)) == []


async def test_where_unsafe_fixes_are_not_wanted_nothing_is_proposed(commands, tmp_path):
    config = FILES["groundswell.toml"] + "[policy]\nunsafe_fixes = false\n"
    source = a_source(tmp_path, **{"groundswell.toml": config})
    measured = await a_detector(commands).measure(source)
    assert {each.fixable for each in measured.findings} == {"no"}
    assert await proposals_of(an_engine(commands), source, "src", ()) == []


async def test_a_command_that_does_not_end_is_an_error_in_words(commands, tmp_path, monkeypatch):
    monkeypatch.setattr("services.agents.adapters.commands.COMMAND_TIMEOUT_SECONDS", 0.5)
    source = a_source(tmp_path, **{"groundswell.toml": '[agents.code_quality]\nfix = "sleep 60"\n'})
    with pytest.raises(Rejected, match=r"sleep 60: It ran longer than the 0\.5 seconds"):
        await a_detector(commands).measure(source)


async def test_a_script_is_run_on_the_tree_with_other_texts_and_finds_its_modules(
    commands, tmp_path
):
    source = a_source(tmp_path)
    script = "cat src/fine.js lib/b.js; echo $PYTHONPATH; touch here"
    files = {"lib/b.js": "other\n"}
    printed = await commands.read(source, script, files, timeout=60)
    assert printed.split()[:2] == ["fine", "other"]
    assert await commands.read(source, script, files, timeout=60) == printed
    assert (await commands.read(source, script, timeout=60)).split()[:2] == ["fine", "bad"]
    with pytest.raises(Rejected, match="longer than the 0"):
        await commands.read(source, "sleep 60", timeout=0.5)


async def test_a_target_without_such_a_command_needs_no_sandbox(tmp_path):
    async def never():
        raise AssertionError("nobody needs one")

    commands = SandboxedCommands(Scratch(tmp_path / "runs", uuid7), never, never)
    source = a_source(tmp_path, **{"groundswell.toml": None})
    assert (await a_detector(commands).measure(source)).findings == ()


async def test_a_file_that_one_engine_changes_is_left_alone_by_the_next(commands, tmp_path):
    source = a_source(tmp_path)
    [first] = await proposals_of(an_engine(commands), source, "src", ())

    class Earlier:
        async def propose(self, _):
            yield replace(first, key="earlier")

    chain = ChainedEngines([Earlier(), an_engine(commands)])
    both = await proposals_of(chain, source, "src", ())
    assert [each.key for each in both] == ["earlier"]


async def test_a_report_is_what_a_command_prints_and_nothing_else(commands, tmp_path):
    source = a_source(tmp_path)
    noisy = "echo noise >&2; cat src/fine.js; pwd; exit 3"
    ran = await commands.capture(source, noisy)
    assert ran.printed == f"fine\n{ran.folder}\n".encode()
    assert (ran.exit_code, ran.said.strip()) == (3, "noise")
    assert await commands.capture(source, noisy) is ran
    assert (await commands.capture(source, "true")).printed == b""
