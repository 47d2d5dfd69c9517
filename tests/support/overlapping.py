"""Proposals of several tasks on one target, for the resolver to compare."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.storage import Patch
from shared.contracts.documents.targets import Target
from shared.contracts.documents.waves import Task, Wave
from shared.mongo.collections import Store
from shared.targets.patches import make_patch
from tests.support.builders import COMMIT, NOW, a_finding, a_target, a_task, a_wave, an_enhancement

TEXT = "".join(f"line {n}\n" for n in range(40))


def edited(*lines: int, by: str = "new", text: str = TEXT) -> str:
    """The text with these lines rewritten."""
    for line in lines:
        text = text.replace(f"line {line}\n", f"{by} {line}\n")
    return text


@dataclass
class Overlapping:
    """A target whose file `m.py` has forty lines, and a wave of tasks that rewrite some of them."""

    store: Store
    target: Target = field(default_factory=a_target)
    commit: str = COMMIT
    before: dict[str, str] = field(default_factory=dict)
    orders: dict[str, int] = field(default_factory=dict)

    async def wave(self) -> Wave:
        wave = a_wave(target_id=self.target.id, state="running", commit=self.commit)
        wave = wave.model_copy(update={"base_commit": self.commit})
        await self.store.targets.insert(self.target)
        await self.store.waves.insert(wave)
        return wave

    async def task(self, wave: Wave, **fields: Any) -> Task:
        known = {"state": "proposed", "epoch": 1, "component": fields.get("agent_type", "m")}
        task = a_task(wave, **{**known, **fields})
        await self.store.tasks.insert(task)
        return task

    async def propose(
        self, task: Task, after: str, *, worth: int = 1, path: str = "m.py", **fields: Any
    ) -> Enhancement:
        """A proposal of the task, on top of those before it, whose findings are worth so much."""
        before = self.before.get(task.id, fields.pop("before", TEXT))
        self.before[task.id] = after
        text = make_patch({path: (before.encode(), after.encode())})
        digest = hashlib.sha256(text.encode()).hexdigest()
        await self.store.patches.insert(Patch(id=digest, text=text, created_at=NOW))
        order = self.orders[task.id] = self.orders.get(task.id, -1) + 1
        known = {
            "key": str(order),
            "order": order,
            "patch": digest,
            "files": (path,),
            "findings": tuple(a_finding(severity="note") for _ in range(worth)),
            "title": f"{task.agent_type} {order}",
        }
        change = an_enhancement(task, **{**known, **fields})
        await self.store.enhancements.insert(change)
        return change
