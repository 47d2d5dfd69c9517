"""Slow imports are measured, found at their statements, and deferred where that saves time."""

from dataclasses import replace
from pathlib import Path

import pytest

from services.agents.types.performance.lazy_imports import LazyImportEngine
from services.agents.types.performance.start_up import RULE, SEPARATOR, ImportTimesDetector
from shared.detectors.ports import DetectorResources, Source
from shared.kernel.errors import ToolFailed
from shared.targets.profile import profile_target
from tests.support.agents import a_context
from tests.support.target_commands import FakeCommands
from tests.support.trees import FakeTree

DEFERRABLE = "import heavy\n\n\ndef table(rows):\n    return heavy.Table(rows)\n"
NEEDED = "import heavy\n\n\nclass Table(heavy.Table):\n    pass\n"
PROJECT = '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.12"\n'


def a_source(text, section="", **files):
    known = {"pyproject.toml": PROJECT, "shop/__init__.py": "from shop.m import table\n"}
    if section:
        known["groundswell.toml"] = section
    tree = FakeTree({**known, "shop/m.py": text, **files})
    return Source(tree, profile_target(tree), "t")


def printed(files, *, milliseconds=80):
    """What Python prints: `heavy` is slow if a module imports it outside of functions."""
    loads = any(text.startswith("import heavy") for text in files.values())
    inner = f"import time: {milliseconds * 900:>9} | {milliseconds * 1000:>10} |     heavy\n"
    total = 2_000 + (milliseconds * 1000 if loads else 0)
    return (
        "import time: self [us] | cumulative | imported package\n"
        "import time:      2000 |       2000 | site\n"
        f"{inner if loads else ''}"
        f"import time:      1000 | {total - 1000:>10} |   shop.m\n"
        f"import time:      1000 | {total:>10} | shop\n"
    )


def commands(*times):
    """Commands that print what several runs take, in milliseconds for the slow module."""
    runs = times or (80, 90, 120)
    return FakeCommands(
        lambda _, files: SEPARATOR.join(printed(files, milliseconds=each) for each in runs)
    )


async def measured(source, ran):
    return await ImportTimesDetector(DetectorResources(Path(), ran)).measure(source)


async def proposed(source, ran, **fields):
    found = (await measured(source, ran)).findings
    marked = tuple(each.model_copy(update={"agent_type": "performance"}) for each in found)
    context = replace(a_context(source, "shop"), findings=marked, **fields)
    engine = LazyImportEngine(DetectorResources(Path(), ran))
    return [each async for each in engine.propose(context)]


@pytest.mark.parametrize(("text", "fixable"), [(DEFERRABLE, "unsafe"), (NEEDED, "no")])
async def test_a_slow_import_is_found_where_it_is_made(text, fixable):
    [found] = (await measured(a_source(text), commands())).findings
    assert (found.rule, found.path, found.line, found.fixable) == (RULE, "shop/m.py", 1, fixable)
    assert found.message == (
        "Importing `heavy` takes 80 ms of the 82 ms that importing its package takes."
    )


async def test_its_identity_does_not_depend_on_how_long_it_took():
    one, other = [(await measured(a_source(NEEDED), commands(n))).findings for n in (80, 95)]
    assert [each.fingerprint for each in one] == [each.fingerprint for each in other]
    assert one != other


async def test_an_import_that_takes_little_is_not_found():
    assert (await measured(a_source(DEFERRABLE), commands(80, 2, 80))).findings == ()


@pytest.mark.parametrize(
    "source",
    [
        a_source("import json\nfrom shop import other\n", **{"shop/other.py": ""}),
        a_source("def f():\n    import heavy\n    return heavy\n"),
        a_source(DEFERRABLE, "[agents.performance]\nadvice = false\n"),
        a_source(DEFERRABLE, '[agents.performance]\nignore = ["PRF8"]\n'),
    ],
    ids=["nothing from outside", "not while loading", "no advice", "ignored"],
)
async def test_nothing_is_run_where_nothing_could_be_found(source):
    ran = commands()
    assert (await measured(source, ran)).findings == ()
    assert ran.scripts == []


async def test_what_cannot_be_imported_is_a_note():
    def fail(*_):
        raise ToolFailed("It ran longer than the 120 seconds.")

    found = await measured(a_source(DEFERRABLE), FakeCommands(fail))
    assert found.findings == ()
    assert "import_times" in found.notes[0]


async def test_an_import_that_a_function_needs_is_made_there_with_what_that_saves():
    [made] = await proposed(a_source(DEFERRABLE), commands())
    assert made.changes == {
        "shop/m.py": (
            DEFERRABLE,
            "def table(rows):\n    import heavy\n    return heavy.Table(rows)\n",
        )
    }
    assert "importing `shop` took 82 ms, and takes 2 ms now" in made.rationale
    assert not made.safe, "nobody knows what a module from outside does when it is imported later"
    assert made.title.startswith("perf(shop): import what is slow in the functions that need it")


async def test_nothing_is_proposed_where_something_else_imports_the_same():
    source = a_source(DEFERRABLE, **{"shop/other.py": NEEDED})
    assert await proposed(source, commands()) == []


async def test_what_was_refused_before_is_left_alone():
    source, ran = a_source(DEFERRABLE), commands()
    [made] = await proposed(source, ran)
    context = replace(a_context(source, "shop"), findings=())
    engine = LazyImportEngine(DetectorResources(Path(), ran))
    assert made.findings
    assert [each async for each in engine.propose(context)] == []
