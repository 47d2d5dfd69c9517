"""Live progress: a run is one line that says what it means, and whoever is sent back is named."""

import io

from rich.console import Console

from cli.progress import Progress
from shared.contracts import events as e
from shared.kernel.ids import uuid7
from tests.support.builders import COMMIT

RUN, WAVE, TARGET = uuid7(), uuid7(), uuid7()


def told(*events):
    console = Console(width=200, file=io.StringIO(), highlight=False)
    progress = Progress(console)
    for event in events:
        progress.show_event(event)
    return [line[9:].strip() for line in console.file.getvalue().splitlines()]


def finished(purpose="bisection", **fields):
    known = {"tests": 6, "failing": 2, "seconds": 1.5, "changes": 14}
    return e.RunFinished(
        run_id=RUN, wave_id=WAVE, target_id=TARGET, purpose=purpose, **{**known, **fields}
    )


def decided(step="run", note="bisection with 14 changes: 6 tests, 0 worse: cleared 14", **fields):
    known = {"wave_id": WAVE, "target_id": TARGET, "head": COMMIT, "change_count": 14}
    return e.GateDecided(step=step, note=note, **{**known, **fields})


def test_a_run_of_the_gate_is_one_line_with_what_it_means_and_its_time():
    assert told(finished(), decided(run_id=RUN, purpose="bisection")) == [
        "bisection with 14 changes: 6 tests, 0 worse: cleared 14 (1.5 s)"
    ]


def test_a_run_that_was_known_before_took_no_time():
    assert told(decided(run_id=RUN, purpose="bisection"))[0].endswith("cleared 14")


def test_a_run_of_anybody_else_is_told_as_it_is():
    assert told(finished("rollback")) == ["rollback with 14 changes: 6 tests, 2 failing (1.5 s)"]
    mutation = finished("mutation", tests=0, failing=0, why="9 mutants are tried")
    assert told(mutation) == ["mutation with 14 changes: 9 mutants are tried (1.5 s)"]


def test_benchmarks_are_told_once_with_their_figures():
    measured = finished("benchmarks", tests=0, failing=0, note="3 same, 1 inconclusive.\nmore")
    assert told(measured, decided(purpose="benchmarks", note="benchmarks: 0 tests")) == [
        "benchmarks with 14 changes: 3 same, 1 inconclusive. (1.5 s)"
    ]


def test_who_is_held_back_or_returned_is_named():
    held = decided("hold", "remove x: it seems to break t::a", tests=("t::a",))
    assert told(held, decided("hold", "remove y: not part of what landed")) == [
        "held back remove x: it seems to break t::a",
        "returned  remove y: not part of what landed",
    ]


def test_what_has_an_event_of_its_own_is_not_said_twice():
    assert told(decided("refuse"), decided("ask"), decided("undecided")) == []
    assert told(decided("land", "3 changes may land")) == ["3 changes may land"]


def test_a_question_is_one_short_line():
    asking = e.ApprovalRequested(
        enhancement_id=RUN,
        wave_id=WAVE,
        target_id=TARGET,
        title="remove x",
        reason="it is unprotected: 3 of 4 mutants survived: m.py:2: x",
        patch="a" * 64,
    )
    assert told(asking) == ["approval  remove x: it is unprotected"]


def about_an_agent(kind, **fields):
    return kind(
        agent_id=uuid7(),
        name="agent-security-2",
        agent_type="security",
        focus="shop",
        wave_id=WAVE,
        target_id=TARGET,
        **fields,
    )


def test_agents_are_named_when_they_are_deployed_and_when_their_process_is_lost():
    assert told(
        about_an_agent(e.AgentDeployed, note="3 of 5 findings can be fixed"),
        about_an_agent(e.AgentActive, task_id=uuid7(), epoch=1, host="h", pid=7),
        about_an_agent(e.AgentOffline, host="h", pid=7),
        about_an_agent(e.AgentIdle),
    ) == [
        "agent-security-2 on shop: 3 of 5 findings can be fixed",
        "agent-security-2 lost its lease, or its process 7 on h; its task is given out again",
    ]


def test_the_status_counts_agents_at_work_until_they_are_done():
    console = Console(width=200, file=io.StringIO(), force_terminal=True)
    with Progress(console) as progress:
        for number in (1, 2):
            active = about_an_agent(e.AgentActive, task_id=uuid7(), epoch=1, host="h", pid=7)
            progress.show_event(active.model_copy(update={"name": f"agent-{number}"}))
        assert "2 agents at work" in str(progress._status.status)
        progress.show_event(about_an_agent(e.AgentIdle).model_copy(update={"name": "agent-1"}))
        assert "1 agent at work" in str(progress._status.status)
