"""Wave after wave in simulated time: what must never happen does not, and nothing is stuck.

`GROUNDSWELL_WAVES=1000` runs a thousand of them; it prints how documents and memory grow.
"""

import os
import sys

import psutil

from shared.contracts.states import TASK, WAVE
from tests.support.simulation import a_simulation

WAVES = int(os.environ.get("GROUNDSWELL_WAVES", "12"))
# A wave that is not over after so many steps (of ten seconds) is stuck.
MAX_STEPS_PER_WAVE = 400


async def test_wave_after_wave_nothing_is_lost_doubled_or_stuck(tmp_path, capsys):
    simulation = a_simulation(tmp_path, seed=7)
    await simulation.begin()
    store = simulation.endless.deps.store
    since_last, known, steps = 0, 0, 0
    memory = psutil.Process().memory_info
    before = memory().rss
    while known < WAVES:
        steps += 1
        await simulation.step()
        waves = await store.waves.count()
        since_last = 0 if waves > known else since_last + 1
        known = waves
        assert since_last < MAX_STEPS_PER_WAVE, (await store.infinite.find(), waves)
    all_waves = await store.waves.find()
    ended = [each for each in all_waves if WAVE.terminal(each.state)]
    assert len(ended) >= WAVES - 1
    for wave in ended[:-1]:
        tasks = await store.tasks.find(wave_id=wave.id)
        assert all(TASK.terminal(each.state) for each in tasks)
        assert simulation.bus.ends[wave.id] == 1
    assert simulation.most_open > 0
    tasks, changes = await store.tasks.count(), await store.enhancements.count()
    growth = (memory().rss - before) // known
    with capsys.disabled():
        sys.stdout.write(
            f"\n{known} waves in {steps} steps: {tasks} tasks, {changes} changes, "
            f"{simulation.crashes} crashes, {simulation.pushes} pushes; at most "
            f"{simulation.most_open} changes open; per wave {(tasks + changes) / known:.1f} "
            f"documents, {growth} bytes\n"
        )
