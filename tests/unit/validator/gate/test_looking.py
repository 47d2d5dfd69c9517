"""Runs that are under way: what one of them fails of is not in the way of the others."""

import asyncio
from types import SimpleNamespace

import pytest

from services.validator.decision.evidence import Run, Seen, Wanted
from services.validator.gate import evidence_fetcher as looking
from services.validator.gate.evidence_fetcher import EvidenceFetcher
from shared.kernel.errors import Rejected
from tests.support.builders import a_test_run, a_wave

FAILING, LATE, HANGING = (Run((each,)) for each in ("failing", "late", "hanging"))


def wanted(*runs):
    return [Wanted(each, "full run", "why") for each in runs]


@pytest.fixture
def looks(monkeypatch):
    """`ended` are the runs that came to their end, whichever."""
    ended = []

    async def look(epoch, wanted, deps):
        try:
            if wanted.run == HANGING:
                await asyncio.Event().wait()
            raise Rejected(f"{wanted.run.changes[0]} cannot be run.")
        finally:
            ended.append(wanted.run)

    monkeypatch.setattr(looking, "_look", look)
    made = EvidenceFetcher(SimpleNamespace(evidence={}), None, width=3)
    made.ended = ended
    return made


async def test_what_a_run_fails_of_is_heard_and_the_others_are_stopped_in_peace(looks):
    with pytest.raises(Rejected):
        await looks.fetch(wanted(FAILING, LATE, HANGING))
    await looks.stop()
    assert {*looks.ended} == {FAILING, LATE, HANGING}


async def test_who_is_stopped_while_it_waits_for_the_base_does_not_stop_that(monkeypatch):
    ran = asyncio.Event()

    async def run_tests(*_, **__):
        ran.set()
        return a_test_run(a_wave(), outcome="reported")

    async def compose(*_):
        return SimpleNamespace(failed=(), tree="t")

    monkeypatch.setattr(looking, "run_tests", run_tests)
    monkeypatch.setattr(looking, "compose", compose)
    base = asyncio.get_running_loop().create_future()
    epoch = SimpleNamespace(base=base, place=None, wave_id="w", verdicts={}, evidence={})
    looks = EvidenceFetcher(epoch, None)
    fetching = asyncio.create_task(looks.fetch(wanted(LATE)))
    await ran.wait()
    await asyncio.sleep(0)
    assert LATE in epoch.verdicts, "it waits for the base"
    await looks.stop()
    fetching.cancel()
    assert not base.cancelled()
    assert not isinstance(epoch.evidence.get(LATE), Seen)
