"""A profile of the target's own benchmarks says which functions are hot, and what is in them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.agents.types.performance.profile import (
    BenchmarkProfileDetector,
    read_profiles,
    script_of,
)
from shared.contracts.base import Severity
from shared.detectors.ports import DetectorResources, Source
from shared.kernel.errors import ToolFailed
from shared.targets.profile import profile_target
from tests.support.target_commands import FakeCommands
from tests.support.trees import FakeTree

BENCH = '[bench]\ncommand = "python bench.py"\n'
HOT = """import functools


@functools.cache
def total(shop, rows):
    found = 0
    for row in rows:
        found += shop.tax.rate + shop.tax.rate * shop.tax.rate - shop.tax.rate + row
    return found


def cold(shop, rows):
    for row in rows:
        print(shop.tax.rate + shop.tax.rate * shop.tax.rate - shop.tax.rate + row)
"""


def a_source(text=HOT, config=BENCH):
    files = {"groundswell.toml": config, "shop/__init__.py": "", "shop/m.py": text}
    tree = FakeTree({**files, "tests/test_m.py": "def test():\n    pass\n"})
    return Source(tree, profile_target(tree), "t")


def process(seconds=10.0, **own):
    """What one process writes: how long functions took, by what this test calls them."""
    places = {
        "total": ("shop/m.py", 4, "total"),
        "cold": ("shop/m.py", 12, "cold"),
        "test": ("tests/test_m.py", 1, "test"),
        "elsewhere": ("../m.py", 4, "total"),
        "moved": ("shop/m.py", 7, "total"),
        "nowhere": ("shop/n.py", 1, "total"),
    }
    rows = [(*places[name], 3, each) for name, each in own.items()]
    return json.dumps({"seconds": seconds, "functions": rows})


async def measured(*lines, source=None):
    ran = FakeCommands(lambda *_: "\n".join(lines))
    detector = BenchmarkProfileDetector(DetectorResources(Path(), ran))
    return await detector.measure(source or a_source()), ran


async def test_a_hot_function_is_found_with_the_look_ups_in_its_loops():
    found, _ = await measured(process(total=6.2, cold=0.5))
    assert [(each.code, each.path, each.line) for each in found.findings] == [
        ("PRF901", "shop/m.py", 5),
        ("PRF604", "shop/m.py", 8),
    ]
    hot, lookup = found.findings
    assert hot.message == "`total` takes 62% of the time of `python bench.py`, in 3 calls."
    assert "`shop.tax.rate` is looked up 4 times" in lookup.message
    assert (hot.end_line, round(hot.run_time_share, 2)) == (9, 0.62)
    assert (lookup.end_line, lookup.run_time_share) == (None, 0)
    assert {each.severity for each in found.findings} == {Severity.WARNING}


async def test_processes_are_added_up_and_the_hottest_comes_first():
    found, _ = await measured(process(total=2.0, cold=1.0), "noise", process(cold=4.0))
    hot = [each for each in found.findings if each.code == "PRF901"]
    assert [(each.line, each.message[:17]) for each in hot] == [
        (12, "`cold` takes 25% "),
        (5, "`total` takes 10%"),
    ]
    assert {each.severity for each in found.findings} == {Severity.NOTE}


@pytest.mark.parametrize("name", ["test", "elsewhere", "moved", "nowhere"])
async def test_what_is_no_function_of_a_component_is_not_found(name):
    assert (await measured(process(**{name: 9.0})))[0].findings == ()


@pytest.mark.parametrize(
    "config",
    [
        "",
        f"{BENCH}[agents.performance]\nadvice = false\n",
        f'{BENCH}[agents.performance]\nselect = ["PRF1"]\n',
    ],
    ids=["no command", "no advice", "not selected"],
)
async def test_nothing_is_run_where_nobody_wants_it(config):
    found, ran = await measured(process(total=9.0), source=a_source(config=config))
    assert (found.findings, found.notes, ran.scripts) == ((), (), [])


@pytest.mark.parametrize("line", ["", "{}", '{"seconds": 0, "functions": []}', "[" * 2000])
async def test_without_a_profile_there_is_a_note(line):
    found, _ = await measured(line)
    assert found.findings == ()
    assert found.notes == ("`python bench.py` ran no Python that could be profiled.",)


async def test_a_command_that_is_stopped_is_a_note():
    def fail(*_):
        raise ToolFailed("It ran longer than the 300 seconds.")

    detector = BenchmarkProfileDetector(DetectorResources(Path(), FakeCommands(fail)))
    assert "bench_profile" in (await detector.measure(a_source())).notes[0]


def test_the_profiler_counts_what_a_function_calls_of_c_as_its_own(tmp_path):
    tree, home = tmp_path / "tree", tmp_path / "home"
    for each in (tree, home):
        each.mkdir()
    (tree / "m.py").write_text("def hot():\n    return sorted(range(2_000_000, 0, -1))\n")
    (tree / "bench.py").write_text("import m\nm.hot()\nprint('noise')\n")
    printed = subprocess.run(
        ["sh", "-c", script_of(f"{sys.executable} bench.py && {sys.executable} -c 1")],
        cwd=tree,
        env={**os.environ, "HOME": str(home), "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    profiles = read_profiles(printed)
    assert len(profiles) == 2
    [(path, line, calls, share)] = [
        (path, line, calls, own / each.seconds)
        for each in profiles
        for path, line, name, calls, own in each.functions
        if name == "hot"
    ]
    assert (path, line, calls) == ("m.py", 1, 1)
    assert share > 0.3
