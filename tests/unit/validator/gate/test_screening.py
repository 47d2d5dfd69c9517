"""The rules that a patch may break, checked beside the event loop and not in it."""

import threading
from types import SimpleNamespace

from services.validator.gate.rounds import _policy_violation
from tests.support.builders import a_task, an_enhancement
from tests.support.memory import a_store
from tests.support.validator_deps import a_validator


class Repository:
    def broken_rule(self, patch, paths, config, head):
        self.asked = (patch, paths, config, head)
        self.thread = threading.current_thread()
        return "too-large: it has 9 bytes"


async def test_a_patch_is_checked_in_a_thread_of_its_own(tmp_path):
    store, repository, task = a_store(), Repository(), a_task()
    await store.tasks.insert(task)
    change = an_enhancement(task)
    prepared = SimpleNamespace(profile=SimpleNamespace(config="config"), head="head")
    prepared.environment = SimpleNamespace(has_compiled_modules=False)
    gate_round = SimpleNamespace(target=None, prepared=prepared, patches={change.id: "patch"})
    deps = a_validator(store, tmp_path, repository=lambda target: repository)
    assert await _policy_violation(change, gate_round, deps) == "too-large: it has 9 bytes"
    assert repository.asked == ("patch", task.paths, "config", "head")
    assert repository.thread is not threading.main_thread()
