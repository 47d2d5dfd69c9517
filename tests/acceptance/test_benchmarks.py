"""Benchmarks run; `--quick` claims nothing, so nothing here is about how fast anything is."""

import json
import subprocess

import pytest

from bench.all import command, names, page
from tests.support.stack import ROOT, environment


@pytest.mark.timeout(600)  # one measures a minute of CPU time, beside other tests
@pytest.mark.parametrize("name", names())
def test_a_benchmark_runs_and_says_the_same_as_data(name, tmp_path):
    out = tmp_path / "result.json"
    done = subprocess.run(
        command(name, out, quick=True),
        cwd=ROOT,
        env=environment(tmp_path / "home"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "claims nothing (--quick)" in done.stdout
    result = json.loads(out.read_text())
    assert result["name"] == name
    assert result["holds"] is None
    assert result["rows"]
    assert {"commit", "machine", "bar"} <= set(result)
    assert f"## {name}" in page([result])
