"""How long the tests of targets take, as stored reports of the validator's baselines tell."""

import json
import math
import zlib
from collections.abc import Mapping

from shared.contracts.base import RunPurpose
from shared.contracts.documents.runs import TestRun
from shared.contracts.states import WAVE, RunState
from shared.mongo.collections import Store

MAX_BASELINES = 5


class StoredDurations:
    """`TestDurations` over the collections of runs and reports."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def seconds_by_test(self, target_id: str) -> Mapping[str, float]:
        """Return the seconds of each test in the last baseline whose wave is over.

        So they stay the same during a wave, and its findings before and after can be compared.
        """
        run = await self._last_baseline(target_id)
        digest = run.result.report if run is not None else None
        stored = await self._store.reports.get(digest) if digest else None
        rows = json.loads(zlib.decompress(stored.data))["results"] if stored is not None else ()
        return {test: seconds for test, _, seconds, *_ in rows if 0 < seconds < math.inf}

    async def _last_baseline(self, target_id: str) -> TestRun | None:
        """Return the newest baseline of a target with a report whose wave is over, if any."""
        runs = await self._store.runs.find(
            sort="-_id",
            limit=MAX_BASELINES,
            target_id=target_id,
            state=RunState.FINISHED,
            result__outcome="reported",
            request__purpose=RunPurpose.BASELINE,
        )
        for run in runs:
            wave = await self._store.waves.get(run.wave_id)
            if wave is None or WAVE.terminal(wave.state):
                return run
        return None
