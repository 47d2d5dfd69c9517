"""The exit code of `groundswell run` says whether the wave did what it was asked to do."""

import pytest

from cli.run import exit_code
from services.api.domain.report import WaveRecords, make_report
from shared.contracts.documents.base import Failure
from tests.support.builders import a_target, a_wave

BY_USER = Failure(code="landing_checked_out", message="m")
OTHERWISE = Failure(code="tasks_failed", message="m")


@pytest.mark.parametrize(
    ("state", "failure", "code"),
    [
        ("completed", None, 0),
        ("failed", OTHERWISE, 1),
        ("failed", BY_USER, 2),
        ("stopped", None, 1),
    ],
)
def test_a_wave_ends_with_the_code_that_the_readme_names(state, failure, code):
    wave = a_wave(state=state, failure=failure)
    assert exit_code(make_report(WaveRecords(wave, a_target(), (), (), (), ()))) == code
