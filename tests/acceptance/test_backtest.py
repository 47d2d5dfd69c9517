"""`groundswell backtest` on a small history: what is told, kept, and left alone."""

import httpx
import pytest

from tests.support.histories import a_history
from tests.support.repositories import a_repository, checkout_of, commit


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = tmp_path_factory.mktemp("backtest") / "calc"
    return place, a_history(place)


def test_a_history_is_replayed_to_a_report_and_what_it_found_is_right(up, made, tmp_path):
    place, names = made
    before = checkout_of(place)
    report = tmp_path / "report.md"
    options = (str(place), "--since", names["start"], "--report", str(report))
    found = up.json("backtest", *options)
    assert found["state"] == "completed", found
    outcome = {each["commit"]: each["outcome"] for each in found["replayed"]}
    assert {name: outcome[oid] for name, oid in names.items() if name != "start"} == {
        "good": "fine",
        "broke": "caught",
        "fix": "fine",
        "tested": "asked",
        "unseen": "missed",
        "reverted": "fine",
        "both": "asked",
    }
    assert found["summary"]["reused_runs"] == 0
    assert "bubblewrap" in found["sandbox"] or found["sandbox"]
    page = report.read_text()
    assert f"`{names['broke'][:10]}` **caught** perf: a quicker add" in page
    assert "| caught | 1 |" in page
    assert checkout_of(place) == before

    again = up.run("backtest", *options)
    assert again.returncode == 0, again.stderr
    assert f"{names['broke'][:10]} caught" in again.stdout
    assert "runs reused from earlier" in again.stdout
    assert "0 runs reused" not in again.stdout
    shown = httpx.get(f"{up.api}/backtests/{found['id'][-8:]}", headers=up.key).json()
    assert shown["replayed"] == found["replayed"]


def test_what_cannot_be_replayed_is_a_sentence_and_an_exit_code(up, home, made, tmp_path):
    place, names = made
    bare = a_repository(tmp_path / "bare", m_py="x = 1\n")
    commit(bare, {"m.py": "x = 2\n"}, "two")
    for where, arguments, said, code in (
        (home, (str(tmp_path), "--since", "x"), "is not a git repository", 2),
        (home, (str(place), "--since", "nonsense"), "has no revision nonsense", 2),
        (home, (str(place),), "--since", 2),
        (home, (str(place), "--since", names["start"], "--limit", "0"), "--limit", 2),
        (home, (str(place), "--since", "HEAD~1", "--report", "/no/where.md"), "no directory", 2),
        (up, (str(place), "--since", "HEAD"), "has no commits since HEAD", 2),
        (up, (str(bare), "--since", "HEAD~1"), "No tests were found", 1),
    ):
        done = where.run("backtest", *arguments)
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        assert said in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    assert not home.path.exists(), "nothing is started for wrong input"
