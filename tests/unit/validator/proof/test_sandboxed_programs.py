"""Comparing programs in the sandbox, under the Pythons of this machine."""

import json
from dataclasses import replace

import pytest

from services.validator.proof.adapters import ANSWER, REQUEST, SandboxedPrograms
from shared.environments.interpreters import installed_interpreters, running_interpreter
from shared.kernel.ids import uuid7
from shared.sandbox.ports import Completed
from shared.sandbox.scratch import Scratch
from tests.support.sandboxes import a_sandbox, the_best

PAIRS = [
    (b"x = 1\n", b"x = (1)\n"),
    (b"x = 1\n", b"x = 2\n"),
    ("x = 'ü'\n".encode("latin-1"), b"x = 1\n"),
    (b"def f(a):\n    x = a()\n    return x\n", b"def f(a):\n    return a()\n"),
]


async def test_programs_are_compared_in_the_sandbox(tmp_path):
    scratch = Scratch(tmp_path / "work", uuid7)
    async with a_sandbox(the_best()) as sandbox:
        found = await SandboxedPrograms(sandbox, scratch).compare(PAIRS, ">=3.8")
    scratch.close()
    assert found.forms == ((), None, None, ("values returned by way of a name",))
    assert f"CPython {running_interpreter().version}" in found.interpreters


async def test_without_an_interpreter_that_the_target_supports_nothing_is_known(tmp_path):
    scratch = Scratch(tmp_path / "work", uuid7)
    found = await SandboxedPrograms(NoProcess(), scratch).compare(PAIRS, ">=3.99")
    assert found.interpreters == ()
    assert set(found.forms) == {None}


class NoProcess:
    def can_read(self, path):
        return path == running_interpreter().path


class Fragile(NoProcess):
    """A sandbox in which the text `b"crash"` ends the process."""

    runs = 0

    async def run(self, command):
        self.runs += 1
        asked = json.loads((command.scratch / REQUEST).read_text())
        lines = [json.dumps("CPython 3")]
        for before, after in asked["pairs"]:
            if "crash" in asked["texts"][after]:
                break
            lines.append(json.dumps([] if before == after else None))
        report = "".join(f"{line}\n" for line in lines) + "[unfinished"
        return Completed(-11, "", 0.1, {ANSWER: report.encode()})


@pytest.mark.parametrize(
    ("crashes", "known"), [(1, [(), None, (), ()]), (3, [()] + [None, ()] * 3 + [()])]
)
async def test_a_text_that_ends_the_compiler_is_not_proven_and_the_others_are(
    tmp_path, crashes, known
):
    same, crash = (b"x", b"x"), (b"x", b"crash")
    pairs = [same, *[crash, same] * crashes, same]
    scratch = Scratch(tmp_path / "work", uuid7)
    found = await SandboxedPrograms(Fragile(), scratch).compare(pairs, "")
    scratch.close()
    assert list(found.forms) == known


async def test_after_too_many_crashes_the_rest_is_unknown(tmp_path):
    scratch = Scratch(tmp_path / "work", uuid7)
    pairs = [(b"%d" % n, b"crash") for n in range(9)] + [(b"x", b"x")]
    found = await SandboxedPrograms(Fragile(), scratch).compare(pairs, "")
    scratch.close()
    assert list(found.forms) == [None] * 10


async def test_what_was_compared_is_not_compared_again_unless_something_went_wrong(tmp_path):
    scratch, sandbox = Scratch(tmp_path / "work", uuid7), Fragile()
    programs = SandboxedPrograms(sandbox, scratch)
    same, other, crash = (b"x", b"x"), (b"x", b"y"), (b"x", b"crash")
    first = await programs.compare([same, other], "")
    assert await programs.compare([other, same, same], "") == replace(
        first, forms=(first.forms[1], first.forms[0], first.forms[0])
    )
    runs = sandbox.runs
    await programs.compare([crash, (b"z", b"z")], "")
    await programs.compare([(b"z", b"z")], "")
    scratch.close()
    assert runs == 1
    assert sandbox.runs > runs + 2


async def test_interpreters_are_listed_once_per_version_and_only_where_permitted():
    ours = running_interpreter()
    found = await installed_interpreters(">=3.8", lambda path: path == ours.path)
    assert found == (ours,)
    assert await installed_interpreters(">=3.99") == ()
