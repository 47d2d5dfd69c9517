"""A module that a test merely imports protects nothing by that: it counts as not measured."""

import pytest

from services.validator.approval.domain import unprotected_reason
from services.validator.mutation.domain.placement import place_mutants
from services.validator.mutation.domain.plan import ChangedFile, MutantResult, MutationReport
from services.validator.mutation.domain.protection import judge_protection
from shared.contracts.documents.protection import protection_share
from shared.targets.config import TargetConfig
from tests.support.builders import a_task, a_wave, an_enhancement

ONE_IMPORT = ("import os\nimport sys\nx = sys\n", "import sys\nx = sys\n")
CONDITIONAL = ("if q:\n    import os\n    import sys\n", "if q:\n    import sys\n")
CONSTANT = ("A = 1\n", "A = 2\n")
BESIDE_A_CALL = (
    "import os\nimport sys\n\n\ndef f(a):\n    return 1\n",
    "import sys\n\n\ndef f(a):\n    return 2\n",
)
RUNS = MutantResult(True, reached=True)
NOBODY_LOOKED = MutantResult(True, reached=True, why="it runs at import")
KILLED, TIME_IS_UP = MutantResult(True, reached=True, by="t.py::a"), MutantResult(None, why="time")


def judged(texts: tuple[str, str], **results: MutantResult):
    """What is known of a change, with a result for each kind of mutant by when it runs."""
    plan = place_mutants({"c": [ChangedFile("m.py", tuple(each.encode() for each in texts))]})
    by_kind = {each.id: results[each.mutant.when.value] for each in plan.mutants}
    return judge_protection(plan, "c", MutationReport(by_kind))


@pytest.mark.parametrize(
    ("texts", "results"),
    [
        (ONE_IMPORT, {"imported": RUNS}),
        (CONDITIONAL, {"reach": RUNS}),
        (CONSTANT, {"import": NOBODY_LOOKED}),
    ],
)
def test_code_that_a_test_only_imports_is_not_measured(texts, results):
    known = judged(texts, **results)
    assert (known.state, known.mutants, known.killed) == ("not_measured", 0, 0)
    assert (known.not_measured, known.lines, known.protected_lines) == (1, 0, 0)
    assert known.summary == "not measured: 1 place that only runs when a test imports the module"
    assert protection_share([known]) is None
    assert not unprotected_reason(an_enhancement(a_task(a_wave())), known, TargetConfig())


def test_code_that_no_test_imports_is_unprotected():
    known = judged(ONE_IMPORT, imported=MutantResult(False))
    assert (known.state, known.mutants, known.lines) == ("unprotected", 0, 1)
    assert known.summary.endswith("which no test reaches: no test imports it")


def test_a_killed_mutant_protects_its_own_line_and_not_the_import_beside_it():
    known = judged(BESIDE_A_CALL, imported=RUNS, call=KILLED)
    assert (known.state, known.lines, known.protected_lines) == ("protected", 1, 1)
    assert known.mutants == known.killed == 1
    assert known.not_measured == 1


def test_an_import_does_not_stand_for_mutants_that_were_not_tried():
    assert judged(BESIDE_A_CALL, imported=RUNS, call=TIME_IS_UP).state == "unknown"
