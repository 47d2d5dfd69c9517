"""Head and candidate in turn: the real adapter over small trees, in the real sandbox."""

import itertools
import random
import shutil
import sys
from pathlib import Path

import pytest

from services.validator.benchmarks.adapters.instructions import InstructionCounter
from services.validator.benchmarks.adapters.runner import SandboxedBenchmarks
from services.validator.benchmarks.domain.measurements import BenchmarkOutcome
from services.validator.benchmarks.domain.reports import BenchmarkReport
from services.validator.suite.domain.reports import Infrastructure
from shared.environments.interpreters import running_interpreter
from shared.environments.ports import Environment
from shared.kernel.ids import uuid7
from shared.sandbox.ports import Command, Completed
from shared.sandbox.scratch import Scratch
from shared.targets.config import BenchSection
from tests.support.profiles import a_profile
from tests.support.sandboxes import a_sandbox, the_best
from tests.support.trees import FakeTree

BIN = Path(sys.executable).parent
ENVIRONMENT = Environment(
    "key", BIN, (BIN.parent, *running_interpreter().required_directories), 0, True
)
# What a benchmark says it took is all that counts, so it need not take it.
SCRIPT = "import size\nprint('work', size.SIZE, 'ms')\n"


def a_tree(oid="head", size=10.0, **more):
    return FakeTree({"perf.py": SCRIPT, "size.py": f"SIZE = {size}", **more}, oid)


def done(printed="", code=0, seconds=0.01, file=None, abort_reason=""):
    reports = {} if file is None else {"reports/bench.json": file}
    return Completed(
        None if abort_reason else code, printed, seconds, reports=reports, abort_reason=abort_reason
    )


class FakeSandbox:
    """Answers by what is in the tree, as the test says, and remembers who ran where."""

    tier = "fake"
    isolation = ""
    trusted = True

    def __init__(self, *answers):
        self.answers = dict(answers)
        self.commands: list[Command] = []
        self.sides: list[str] = []

    def can_read(self, path):
        return True

    async def run(self, command):
        side = (command.tree / "size.py").read_text()
        self.commands.append(command)
        self.sides.append(side)
        assert not list((command.scratch / "reports").iterdir()), "of an earlier run"
        (command.scratch / "reports" / "left").touch()
        return next(self.answers[side])


def toss(seed):
    chance = random.Random(seed)
    return lambda: chance.random() < 0.5


def always(completed):
    return itertools.repeat(completed)


HEAD, CANDIDATE = "SIZE = 10.0", "SIZE = 12.0"


class Bout:
    """Everything of a comparison but what it runs in."""

    def __init__(self, sandbox, home, toss=lambda: False):
        self.work = home / "work"
        self.scratch = Scratch(self.work, uuid7)
        self.sandbox = sandbox
        self.toss = toss

    async def compare(self, head, candidate, *names, counter=None, spare=3600.0, **bench):
        trees = {head.oid: head, candidate.oid: candidate}
        adapter = SandboxedBenchmarks(
            self.sandbox,
            self.scratch,
            lambda _, oid: trees[oid],
            self.toss,
            spare=spare,
            counter=counter or InstructionCounter(self.sandbox, spare=0),
        )
        bench = BenchSection(**{"command": "python perf.py", **bench})
        found = await adapter.compare(
            (head.oid, candidate.oid), a_profile(), ENVIRONMENT, bench, names, target_id="target"
        )
        self.scratch.close()
        assert [each.name for each in self.work.iterdir()] == [".lock"], "something was left behind"
        return found


@pytest.fixture
async def real(tmp_path):
    async with a_sandbox(the_best()) as sandbox:
        yield Bout(sandbox, tmp_path, toss(1))


def faked(tmp_path, head, candidate, **more):
    return Bout(FakeSandbox((HEAD, iter(head)), (CANDIDATE, iter(candidate))), tmp_path, **more)


def reported(found) -> BenchmarkReport:
    assert isinstance(found, BenchmarkReport), found
    return found


def answers(found):
    return {each.name: each.answer for each in reported(found).comparisons}


@pytest.mark.parametrize(
    ("size", "answer"),
    [(10.0, BenchmarkOutcome.SAME), (12.0, BenchmarkOutcome.WORSE), (8.0, BenchmarkOutcome.BETTER)],
)
async def test_what_processes_say_in_the_sandbox_is_compared(real, size, answer):
    found = await real.compare(a_tree(), a_tree("candidate", size))
    assert answers(found) == {"work": answer}
    assert len(found.rounds) == 11
    assert found.comparisons[0].ratio == pytest.approx(size / 10)
    assert found.seconds > 0


async def test_a_command_leaves_json_where_it_is_told_to(real):
    script = (
        "import json, os, size\n"
        "body = {'results': [{'command': 'x', 'median': size.SIZE}]}\n"
        "json.dump(body, open(os.environ['GROUNDSWELL_BENCH_OUT'], 'w'))\n"
        "print('noise 1 ms')\n"
    )
    head, candidate = (a_tree(o, s, **{"perf.py": script}) for o, s in (("h", 10), ("c", 11)))
    assert answers(await real.compare(head, candidate)) == {"x": BenchmarkOutcome.WORSE}


async def test_both_run_at_the_same_place_in_tossed_order(tmp_path):
    bout = faked(
        tmp_path,
        always(done("work 1 ms")),
        always(done("work 2 ms")),
        toss=toss(2),
    )
    found = await bout.compare(a_tree(), a_tree("candidate", 12.0))
    assert answers(found) == {"work": BenchmarkOutcome.WORSE}
    ran = bout.sandbox
    assert len({(each.tree, each.scratch, each.argv) for each in ran.commands}) == 1
    firsts = ran.sides[::2]
    assert all(one != other for one, other in zip(firsts, ran.sides[1::2], strict=True))
    assert len(firsts) == 12, "one round that does not count, and eleven"
    assert min(firsts.count(HEAD), firsts.count(CANDIDATE)) >= 3


async def test_the_first_round_does_not_count(tmp_path):
    head = [done("work 999 ms"), *[done("work 1 ms")] * 60]
    found = await faked(tmp_path, head, always(done("work 1 ms"))).compare(
        a_tree(), a_tree("candidate", 12.0)
    )
    assert {each.head["work"].value for each in found.rounds} == {0.001}


async def test_what_judges_is_as_on_the_head_on_both_sides(real):
    """A change that makes its own benchmark do nothing is measured by the head's."""
    cheat = {"perf.py": "print('work', 1, 'ms')", "bench/more.py": "raise SystemExit(1)"}
    found = await real.compare(
        a_tree(**{"bench/more.py": "x = 1"}), a_tree("candidate", 12.0, **cheat)
    )
    assert answers(found) == {"work": BenchmarkOutcome.WORSE}


async def test_a_directory_that_the_command_names_judges_too(real):
    files = {"bench/run.py": "import sys; sys.path.append('.')\n" + SCRIPT}
    cheat = {"bench/run.py": "print('work', 1, 'ms')"}
    found = await real.compare(
        a_tree(**files),
        a_tree("candidate", 12.0, **cheat),
        command="sh -c 'python bench/run.py' bench",
    )
    assert answers(found) == {"work": BenchmarkOutcome.WORSE}


async def test_only_the_benchmarks_that_are_asked_for_are_compared(tmp_path):
    bout = faked(tmp_path, always(done("a 1 ms\nb 1 ms")), always(done("a 2 ms\nb 2 ms\nc 1 ms")))
    found = await bout.compare(a_tree(), a_tree("candidate", 12.0), "a")
    assert answers(found) == {"a": BenchmarkOutcome.WORSE}
    assert found.failing == ("bench::a",)


async def test_pytest_is_told_where_its_report_goes(tmp_path):
    bout = faked(tmp_path, always(done(code=2)), always(done()))
    await bout.compare(a_tree(), a_tree("candidate", 12.0), command="python -m pytest perf")
    command = bout.sandbox.commands[0]
    out = command.env["GROUNDSWELL_BENCH_OUT"]
    assert command.argv == ("python", "-m", "pytest", "perf", f"--benchmark-json={out}")
    assert out == str(command.scratch / command.reports[0])


class TestWhatGivesNothing:
    async def test_it_is_tried_again_with_its_other_one(self, tmp_path):
        bad = done(abort_reason="It took longer than the 600 seconds it has.")
        head = [done("work 1 ms"), bad, bad, *[done("work 1 ms")] * 60]
        bout = faked(tmp_path, head, always(done("work 2 ms")))
        assert answers(await bout.compare(a_tree(), a_tree("candidate", 12.0))) == {
            "work": BenchmarkOutcome.WORSE
        }
        assert bout.sandbox.sides.count(HEAD) == bout.sandbox.sides.count(CANDIDATE) == 14

    @pytest.mark.parametrize(
        ("bad", "reason"),
        [
            (done(abort_reason="It took too long."), "On the candidate: It took too long."),
            (done(code=-9), "On the candidate: The command ended with -9."),
        ],
    )
    async def test_the_machine_s_fault_is_nobody_s(self, tmp_path, bad, reason):
        bout = faked(tmp_path, always(done("work 1 ms")), always(bad))
        found = await bout.compare(a_tree(), a_tree("candidate", 12.0))
        assert isinstance(found, Infrastructure)
        assert found.reason == reason
        assert len(bout.sandbox.sides) == 6

    async def test_a_command_that_fails_on_the_head_blames_nobody(self, tmp_path):
        bad = done("no such file", code=1)
        bout = faked(tmp_path, always(bad), always(bad))
        found = await bout.compare(a_tree(), a_tree("candidate", 12.0))
        assert isinstance(found, Infrastructure)
        assert found.reason == "On the head: The command ended with 1."
        assert found.output_tail == "no such file"

    @pytest.mark.parametrize(
        ("bad", "reason"),
        [
            (done("Traceback", code=1), "The command ended with 1.\nTraceback"),
            (done("nothing"), "The command named no benchmark.\nnothing"),
            (done("work 1 ms", file=b"{"), "The JSON of the command is none"),
        ],
    )
    @pytest.mark.parametrize("good", [0, 5])
    async def test_a_candidate_whose_command_fails_each_time_broke_its_benchmarks(
        self, tmp_path, bad, reason, good
    ):
        fine = [done("work 1 ms")] * good
        bout = faked(tmp_path, always(done("work 1 ms")), [*fine, bad, bad, bad])
        found = reported(await bout.compare(a_tree(), a_tree("candidate", 12.0)))
        assert found.broken.startswith(reason)
        assert found.failing == ("bench::work",)

    async def test_once_is_not_each_time(self, tmp_path):
        bad = [done(code=1), done(abort_reason="It took too long."), done(code=1)]
        bout = faked(tmp_path, always(done("work 1 ms")), bad)
        found = await bout.compare(a_tree(), a_tree("candidate", 12.0))
        assert isinstance(found, Infrastructure)


class TestTime:
    async def test_a_slow_command_gets_fewer_rounds_and_no_less_sure_ones(self, tmp_path):
        swinging = [done(f"work {ms} ms", seconds=100) for ms in (10, 9, 10, 11, 8) * 6]
        bout = faked(tmp_path, swinging, always(done("work 10 ms", seconds=100)))
        found = await bout.compare(a_tree(), a_tree("candidate", 12.0))
        assert found.plan.cap == 18
        assert len(found.rounds) <= 18
        assert answers(found) == {"work": BenchmarkOutcome.INCONCLUSIVE}

    async def test_one_that_is_too_slow_to_tell_anything_is_said_to_be(self, tmp_path):
        bout = faked(
            tmp_path, always(done("w 1 ms", seconds=400)), always(done("w 2 ms", seconds=400))
        )
        found = await bout.compare(a_tree(), a_tree("candidate", 12.0))
        assert answers(found) == {"w": BenchmarkOutcome.INCONCLUSIVE}
        assert "a run takes 400 s" in found.notes[0]
        assert len(found.rounds) <= 3

    async def test_a_slow_candidate_gets_no_fewer_rounds_than_a_fast_one(self, tmp_path):
        bout = faked(
            tmp_path, always(done("w 1 s", seconds=1)), always(done("w 900 s", seconds=900))
        )
        assert answers(await bout.compare(a_tree(), a_tree("candidate", 12.0))) == {
            "w": BenchmarkOutcome.WORSE
        }


class TestInstructions:
    async def test_they_are_counted_where_valgrind_is_there_and_work_is_the_same(self, real):
        counter = InstructionCounter(real.sandbox, spare=10_000)
        if counter.missing:
            pytest.skip("no valgrind")
        script = "import size\nfor _ in range(size.LOOPS): pass\n" + SCRIPT
        head, candidate = (
            a_tree(o, **{"perf.py": script, "size.py": f"SIZE = 10\nLOOPS = {loops}"})
            for o, loops in (("h", 1), ("c", 900_000))
        )
        found = await real.compare(head, candidate, counter=counter, command="python -S perf.py")
        assert answers(found)["work:instructions"] is BenchmarkOutcome.WORSE, found.notes

    @staticmethod
    def counted(*counts):
        logs = [f"==7== \n==7== Collected : {count}\n".encode() for count in counts]
        return [Completed(0, "", 1.0, reports={"reports/callgrind.log": log}) for log in logs]

    async def compare(self, tmp_path, monkeypatch, head, candidate, *names, **more):
        monkeypatch.setattr(shutil, "which", lambda *_, **__: "/usr/bin/valgrind")
        fine, seconds = more.pop("fine", "work 1 ms"), more.pop("seconds", 0.1)
        rounds = [done(fine, seconds=seconds)] * (11 + len(fine.splitlines()))
        bout = faked(
            tmp_path,
            [*rounds, *self.counted(*head)],
            [*rounds, *self.counted(*candidate)],
        )
        counter = InstructionCounter(bout.sandbox)
        return bout, await bout.compare(
            a_tree(), a_tree("candidate", 12.0), *names, counter=counter, **more
        )

    async def test_more_of_them_is_worse(self, tmp_path, monkeypatch):
        bout, found = await self.compare(tmp_path, monkeypatch, [1000, 1000], [1100])
        assert answers(found) == {
            "work": BenchmarkOutcome.SAME,
            "work:instructions": BenchmarkOutcome.WORSE,
        }
        valgrind = bout.sandbox.commands[-1]
        assert valgrind.argv[:2] == ("/usr/bin/valgrind", "--tool=callgrind")
        assert valgrind.argv[-2:] == ("python", "perf.py")
        assert valgrind.env["PYTHONHASHSEED"] == "0"

    async def test_of_several_benchmarks_they_are_the_command_s(self, tmp_path, monkeypatch):
        fine = "a 1 ms\nb 1 ms"
        _, found = await self.compare(tmp_path, monkeypatch, [1000, 1000], [1000], fine=fine)
        assert answers(found)["(command):instructions"] is BenchmarkOutcome.SAME

    async def test_work_that_depends_on_the_time_has_none(self, tmp_path, monkeypatch):
        _, found = await self.compare(tmp_path, monkeypatch, [1000, 1002], [1100])
        assert answers(found) == {"work": BenchmarkOutcome.SAME}
        assert "two runs of the head differ, 1000 and 1002" in found.notes[0]

    async def test_what_would_take_too_long_has_none(self, tmp_path, monkeypatch):
        _, found = await self.compare(tmp_path, monkeypatch, [], [], seconds=2.0)
        assert "at 2.0 s a run that takes too long" in found.notes[0]

    async def test_without_a_count_there_is_a_note(self, tmp_path, monkeypatch):
        _, found = await self.compare(tmp_path, monkeypatch, [1000, 0], [])
        assert found.notes == ("Instructions were not counted: valgrind gave no count.",)
        _, found = await self.compare(tmp_path / "b", monkeypatch, [1000, 1000], [0])
        assert found.notes == ("Instructions were not counted: none came from the candidate.",)

    @pytest.mark.parametrize("command", ["sh perf.sh", "python -m pytest perf"])
    async def test_other_commands_are_not_counted(self, tmp_path, monkeypatch, command):
        _, found = await self.compare(tmp_path, monkeypatch, [], [], command=command)
        assert (answers(found), found.notes) == ({"work": BenchmarkOutcome.SAME}, ())

    async def test_nobody_counts_what_nobody_asked_for(self, tmp_path, monkeypatch):
        _, found = await self.compare(tmp_path, monkeypatch, [], [], "work")
        assert found.notes == ()

    async def test_without_valgrind_that_is_said(self, tmp_path, monkeypatch):
        monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
        bout = faked(tmp_path, always(done("w 1 ms")), always(done("w 1 ms")))
        found = await bout.compare(
            a_tree(), a_tree("candidate", 12.0), counter=InstructionCounter(bout.sandbox)
        )
        assert found.notes == ("Instructions were not counted: no valgrind can be seen here.",)
