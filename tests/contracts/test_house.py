"""The rules of the house are held by `make check`: break one, and it says so."""

import ast
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections import defaultdict
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.kernel.version import VERSION
from tests.support.stack import ROOT

BIN = Path(sys.executable).parent
PARTS = ("services", "shared", "deploy", "cli", "bench", "pyproject.toml")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy to break."""
    copy = tmp_path_factory.mktemp("house")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / part)
    return copy


def lint(house):
    return subprocess.run(
        [BIN / "lint-imports", "--no-cache"],
        cwd=house,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(house)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_house_as_it_is_keeps_its_rules(house):
    done = lint(house)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("services/api/domain/report.py", "import services.coordinator.usecases"),
        ("services/agents/usecases/perform.py", "from services.validator.decision import gate"),
        ("services/validator/gate/loop.py", "import motor.motor_asyncio"),
        ("cli/run.py", "import motor"),
        ("deploy/local.py", "import motor"),
        ("bench/stack.py", "from motor import motor_asyncio"),
        ("shared/targets/git.py", "import motor"),
        ("shared/detectors/ruff/process.py", "import motor"),
        ("shared/targets/tree.py", "import shared.detectors.ruff"),
        ("shared/mongo/repository.py", "import motor"),
        ("shared/kernel/ids.py", "import pydantic_settings, structlog"),
        ("shared/kernel/ids.py", "import shared.contracts.base"),
        ("shared/contracts/base.py", "import services.api.main"),
        ("services/coordinator/domain/planning.py", "import pymongo"),
        ("services/coordinator/domain/planning.py", "import services.coordinator.usecases"),
        ("services/resolver/usecases.py", "import nats"),
        ("services/validator/suite/adapters/suite.py", "import faststream"),
    ],
)
def test_a_wrong_import_is_refused(house, where, line):
    path = house / where
    was = path.read_text()
    path.write_text(f"{was}\n{line}\n")
    try:
        done = lint(house)
    finally:
        path.write_text(was)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout


def test_the_version_is_said_once():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION


@pytest.mark.parametrize("lock", ["dev.txt", "embedded.txt", "runtime.txt"])
def test_locks_have_hashes_and_name_no_index(lock):
    text = (ROOT / "requirements" / lock).read_text()
    assert "--hash=sha256:" in text
    assert "index-url" not in text
    assert "http" not in text.replace("httpcore", "").replace("httpx", "").replace("httptools", "")


def test_public_class_names_are_unique():
    places = defaultdict(list)
    for folder in ("services", "shared"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(str(path.relative_to(ROOT)))
    shared = {name: found for name, found in places.items() if len(found) > 1}
    assert shared == {}


# Data about targets: the tools that a commit message, a requirement or a setting may name. And
# benchmarks of what one agent type proposes, and of detectors beside the bare tools.
MAY_NAME_THEM = {
    "services/validator/backtest/domain/history.py",
    "shared/targets/declared/declaration.py",
    "shared/detectors/line_length.py",
    "bench/rules_engine.py",
    "bench/analysis.py",
}


def test_no_agent_type_or_tool_is_named_outside_their_folders():
    own = ("services/agents/types/", "shared/detectors/ruff/")
    named = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("services", "shared", "deploy", "cli", "bench")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not str(path.relative_to(ROOT)).startswith(own)
        and str(path.relative_to(ROOT)) not in MAY_NAME_THEM
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"code[-_]?quality|ruff", line, re.IGNORECASE)
    ]
    assert named == []


# Programs that run on their own, with one thread, and import nothing of ours but each other.
MAY_PARSE = {
    "services/validator/proof/comparison/statements.py",
    "shared/environments/inspect_setup.py",
    "shared/kernel/syntax.py",
}


def test_nothing_parses_python_in_its_own_way():
    found = {
        str(path.relative_to(ROOT))
        for folder in ("services", "shared", "deploy", "cli", "bench")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if re.search(r"(?<!`)\bast\.parse\b(?!`)", path.read_text())
    }
    assert found == MAY_PARSE


def test_property_tests_pass_however_busy_the_machine_is(monkeypatch):
    """A minute passes between any two looks at the clock."""
    seconds = count(step=60)

    @settings(max_examples=20)
    @given(st.lists(st.integers()))
    def holds(numbers):
        assert len(numbers) == len([*reversed(numbers)])

    monkeypatch.setattr(time, "perf_counter", lambda: float(next(seconds)))
    holds()


def test_no_property_test_has_a_deadline_of_its_own():
    named = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "tests" / "unit").rglob("*.py"))
        if re.search(r"\bdeadline=", path.read_text())
    ]
    assert named == []
