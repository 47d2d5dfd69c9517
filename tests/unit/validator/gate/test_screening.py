"""The rules that a patch may break, checked beside the event loop and not in it."""

import threading
from types import SimpleNamespace

import pytest

from services.validator.gate.rounds import _policy_violation
from tests.support.builders import a_task, an_enhancement
from tests.support.memory import a_store
from tests.support.validator_deps import a_validator


class Repository:
    def broken_rule(self, patch, paths, config, head):
        self.asked = (patch, paths, config, head)
        self.thread = threading.current_thread()
        return "too-large: it has 9 bytes"


async def screened(tmp_path, *files, compiled=False):
    """What a repository that breaks a rule was asked, and what is said about a change of files."""
    repository, task = Repository(), a_task()
    change = an_enhancement(task, files=files)
    prepared = SimpleNamespace(profile=SimpleNamespace(config="config"), head="head")
    prepared.environment = SimpleNamespace(has_compiled_modules=compiled)
    gate_round = SimpleNamespace(target=None, prepared=prepared, patches={change.id: "patch"})
    deps = a_validator(a_store(), tmp_path, repository=lambda target: repository)
    return repository, await _policy_violation(change, task.paths, gate_round, deps)


async def test_a_patch_is_checked_in_a_thread_of_its_own(tmp_path):
    repository, problem = await screened(tmp_path, "m.py")
    assert problem == "too-large: it has 9 bytes"
    assert repository.asked == ("patch", ("/m.py",), "config", "head")
    assert repository.thread is not threading.main_thread()


@pytest.mark.parametrize(
    ("files", "compiled", "rule"),
    [
        (("m.py", "src/fast.c"), True, "compiled: src/fast.c is compiled by the set-up"),
        (("src/fast.c",), False, "too-large"),
        (("m.py",), True, "too-large"),
    ],
    ids=["compiled", "nothing is compiled", "no source of it"],
)
async def test_a_change_of_what_the_set_up_compiles_is_refused_before_it_is_tried(
    tmp_path, files, compiled, rule
):
    _, problem = await screened(tmp_path, *files, compiled=compiled)
    assert problem.startswith(rule)
