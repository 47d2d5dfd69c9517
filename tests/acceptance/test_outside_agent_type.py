"""Agent types from packages outside the repository, and all else that docs/howto/own-agent.md says.

One of the types is a fixture, the other one that page's.
"""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from shared.agent_types import agent_specs
from tests.support.repositories import a_repository, git
from tests.support.stack import ROOT, Home

PACKAGE = ROOT / "tests" / "fixtures" / "outside_agent_type"
PAGE = (ROOT / "docs" / "howto" / "own-agent.md").read_text()
# A block of the page: what it is, the path of the file that it is, and its text.
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SCHEMA = json.loads((ROOT / "tests/data/sarif/sarif-schema-2.1.0.json").read_text())
UV = Path(sys.executable).parent / "uv"
FILES = {
    "shop/__init__.py": "",
    "shop/prices.py": "import os\n\n\ndef total(prices):\n    # STALE\n    return sum(prices)\n",
    "tests/test_prices.py": (
        "from shop.prices import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n"
    ),
}


def files_of_page(*, package):
    """The files that the page tells to write: those of its package, or of the repository."""
    named = {path: text for _, path, text in BLOCK.findall(PAGE) if path}
    return {p: text for p, text in named.items() if p.startswith("empty_todos/") is package}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A directory into which the packages were installed, as a user would."""
    folder = tmp_path_factory.mktemp("outside")
    source = shutil.copytree(PACKAGE, folder / "source")
    for path, text in files_of_page(package=True).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    command = [UV, "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    command += ["--python", sys.executable, "--target", folder / "site"]
    subprocess.run([*command, source, folder / "empty_todos"], check=True)
    return folder / "site"


@pytest.fixture(scope="module")
def up(installed, tmp_path_factory):
    """A stack in whose environment the package is installed."""
    found = {"PYTHONPATH": str(installed)}
    home = Home(tmp_path_factory.mktemp("home"), more=found, forked=False)
    with home.up() as running:
        yield running


def test_its_own_detector_fixer_health_and_configuration_lead_to_a_landed_change(up, tmp_path):
    config = '[agents.stale_markers]\nmarker = "STALE"\n'
    target = a_repository(tmp_path / "target", **FILES, **{"groundswell.toml": config})
    report = up.json("run", str(target), "--focus", "stale_markers")
    [landed] = report["landed"]
    assert landed["rule"] == "stale_markers:marker"
    assert landed["title"].endswith("remove stale markers (marker)")
    assert landed["prediction"]["metric"] == "findings.stale_markers:marker"
    assert landed["measured"] == [1.0, 0.0]
    assert (report["focus"], report["tasks"]) == ("stale_markers", 1)
    text = git(target, "show", "groundswell/main:shop/prices.py")
    assert "STALE" not in text
    assert "import os" in text, "the focus leaves the work of other agent types alone"
    assert "Agent: agent-stale-markers-1" in git(
        target, "log", "-1", "--format=%B", "groundswell/main"
    )
    assert report["health"]["score_before"] < report["health"]["score_after"]


def test_it_is_registered_like_ours(up, tmp_path):
    assert up.json("status")["workers"] == dict.fromkeys(
        (*agent_specs(), "stale_markers", "empty_todos"), 1
    )
    target = a_repository(tmp_path / "target", **FILES)
    done = up.run("run", str(target), "--focus", "stale_marker")
    assert "Did you mean stale_markers?" in done.stdout + done.stderr


def test_its_model_validates_its_section(up, tmp_path):
    config = '[agents.stale_markers]\nmarkr = "STALE"\n'
    target = a_repository(tmp_path / "target", **FILES, **{"groundswell.toml": config})
    done = up.run("run", str(target))
    assert "agents.stale_markers.markr is not a known key; did you mean marker?" in (
        done.stdout + done.stderr
    )


SHOP = {
    "shop/__init__.py": "",
    "shop/prices.py": (
        "def total(prices):\n    # TODO\n    print(prices)\n    return sum(prices)\n\n\n"
        "def cheapest(prices):\n    return min(prices)\n"
    ),
    "tests/test_prices.py": (
        "from shop.prices import cheapest, total\n\n\n"
        "def test_prices():\n    assert (total([1, 2]), cheapest([1, 2])) == (3, 1)\n"
    ),
}


def test_the_page_on_own_agents_does_what_it_says(up, tmp_path):
    target = a_repository(tmp_path / "target", **SHOP)
    for path, text in files_of_page(package=False).items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_text(text)
    environment = up.environment | {"PYTHONPATH": f"{ROOT}:{up.environment['PYTHONPATH']}"}
    environment |= {
        f"GIT_{who}_{what}": "me" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    said = []
    for kind, _, text in BLOCK.findall(PAGE):
        for line in text.splitlines() if kind == "sh" else ():
            program, *words = shlex.split(line)
            argv = [sys.executable, "-m", "cli"] if program == "groundswell" else [program]
            done = subprocess.run(
                [*argv, *words],
                cwd=target,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            said.append(done.stdout)
    text = "\n".join(said)
    assert "imported 1 finding from report.sarif" in text
    for rule in (
        "the rule ast-grep:no-print",
        "the rule scanner:no-default",
        "the rule todo-report:todo",
    ):
        assert f"look at 1 place in shop that {rule} reports" in text
    assert "min(prices, default=None)" in git(target, "show", "groundswell/main:shop/prices.py")
    exported = json.loads((target / "findings.sarif").read_text())
    jsonschema.Draft4Validator(SCHEMA).validate(exported)
    names = {run["tool"]["driver"]["name"] for run in exported["runs"]}
    assert {"ast-grep", "scanner", "todo-report"} <= names


def test_the_agent_type_of_the_page_lands_its_fix(up, tmp_path):
    report = up.json(
        "run", str(a_repository(tmp_path / "target", **SHOP)), "--focus", "empty_todos"
    )
    assert [each["rule"] for each in report["landed"]] == ["empty_todos:empty"]
