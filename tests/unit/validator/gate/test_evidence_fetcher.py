"""Fetching evidence: the failure of one run is not in the way of the others."""

import asyncio
from types import SimpleNamespace

import pytest

from services.validator.decision.evidence import NoReport, RequestedRun, RunComparison, RunPlan
from services.validator.gate import evidence_fetcher
from services.validator.gate.evidence_fetcher import EvidenceFetcher
from shared.kernel.errors import Rejected
from tests.support.builders import a_test_run, a_wave

FAILING, LATE, HANGING = (RunPlan((each,)) for each in ("failing", "late", "hanging"))


def requested(*runs):
    return [RequestedRun(each, "full run", "why") for each in runs]


@pytest.fixture
def fetcher(monkeypatch):
    """`ended` are the runs that came to their end, whichever."""
    ended = []

    async def make_run(gate_round, requested, deps):
        try:
            if requested.plan == HANGING:
                await asyncio.Event().wait()
            raise Rejected(f"{requested.plan.changes[0]} cannot be run.")
        finally:
            ended.append(requested.plan)

    monkeypatch.setattr(evidence_fetcher, "_make_run", make_run)
    made = EvidenceFetcher(SimpleNamespace(evidence={}), None, max_runs=3)
    made.ended = ended
    return made


async def test_the_failure_of_a_run_is_raised_and_the_others_are_cancelled(fetcher):
    with pytest.raises(Rejected):
        await fetcher.fetch(requested(FAILING, LATE, HANGING))
    await fetcher.cancel_all()
    assert {*fetcher.ended} == {FAILING, LATE, HANGING}


async def test_a_run_is_not_started_beside_one_that_answers_for_it(fetcher):
    full = asyncio.create_task(fetcher.fetch(requested(HANGING)))
    await asyncio.sleep(0)
    with pytest.raises(Rejected):
        await fetcher.fetch(requested(RunPlan(HANGING.changes, ("t::1",)), FAILING))
    assert fetcher.ended == [FAILING]
    await fetcher.cancel_all()
    await asyncio.gather(full, return_exceptions=True)


async def test_cancelling_a_run_that_waits_for_the_baseline_does_not_cancel_the_baseline(
    monkeypatch,
):
    ran = asyncio.Event()

    async def run_tests(*_, **__):
        ran.set()
        return a_test_run(a_wave(), outcome="reported")

    async def compose(*_):
        return SimpleNamespace(failed=(), tree="t")

    monkeypatch.setattr(evidence_fetcher, "run_tests", run_tests)
    monkeypatch.setattr(evidence_fetcher, "compose", compose)
    base = asyncio.get_running_loop().create_future()
    facts = SimpleNamespace(is_recording_stale=False)
    gate_round = SimpleNamespace(
        baseline=base, prepared=None, wave_id="w", runs={}, evidence={}, facts=facts
    )
    gate_round.approved_edits = lambda *_: ()
    fetcher = EvidenceFetcher(gate_round, None)
    fetching = asyncio.create_task(fetcher.fetch(requested(LATE)))
    await asyncio.wait_for(ran.wait(), 10)
    await asyncio.sleep(0)
    assert LATE in gate_round.runs, "it waits for the base"
    await fetcher.cancel_all()
    fetching.cancel()
    assert not base.cancelled()
    assert not isinstance(gate_round.evidence.get(LATE), RunComparison)


@pytest.mark.parametrize("approved", [(), ("requirements.txt",)])
async def test_an_environment_that_approved_edits_break_gives_no_report(monkeypatch, approved):
    """The same refusal without such edits is a defect, and says nothing about a change."""

    async def run_tests(*_, **__):
        raise Rejected("No package has this name.")

    async def compose(*_):
        return SimpleNamespace(failed=(), tree="t")

    monkeypatch.setattr(evidence_fetcher, "run_tests", run_tests)
    monkeypatch.setattr(evidence_fetcher, "compose", compose)
    facts = SimpleNamespace(is_recording_stale=False)
    gate_round = SimpleNamespace(prepared=None, wave_id="w", runs={}, facts=facts)
    gate_round.approved_edits = lambda *_: approved
    [run] = requested(LATE)
    if approved:
        found = await evidence_fetcher._make_run(gate_round, run, None)
        assert found == NoReport("No package has this name.")
    else:
        with pytest.raises(Rejected):
            await evidence_fetcher._make_run(gate_round, run, None)
