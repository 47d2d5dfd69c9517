"""An agent type from a package outside the repository, found by its entry point alone."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shared.agent_types import agent_specs
from tests.support.repositories import a_repository, git
from tests.support.stack import ROOT, Home

PACKAGE = ROOT / "tests" / "fixtures" / "outside_agent_type"
UV = Path(sys.executable).parent / "uv"
FILES = {
    "shop/__init__.py": "",
    "shop/prices.py": "import os\n\n\ndef total(prices):\n    # STALE\n    return sum(prices)\n",
    "tests/test_prices.py": (
        "from shop.prices import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n"
    ),
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A directory into which the package was installed, as a user would."""
    folder = tmp_path_factory.mktemp("outside")
    source = shutil.copytree(PACKAGE, folder / "source")
    command = [UV, "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    command += ["--python", sys.executable, "--target", folder / "site", source]
    subprocess.run(command, check=True)
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
    assert up.json("status")["workers"] == dict.fromkeys((*agent_specs(), "stale_markers"), 1)
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
