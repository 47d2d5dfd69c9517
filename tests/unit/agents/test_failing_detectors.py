"""A detector that fails is left out of a measurement, which says so."""

from dataclasses import replace

import pytest

from services.agents.deps import ServedType
from services.agents.engines.chain import ChainedEngines
from services.agents.types.code_quality import SPEC
from services.agents.usecases.measure import _health, _measure_type
from services.api.domain.comparable import comparable
from shared.detectors.ports import Measured
from shared.kernel.cancellation import Cancelled
from shared.kernel.errors import Rejected, ToolFailed, Transient
from tests.support.builders import a_finding, a_health, a_wave


class Fake:
    """A detector with one finding, or one that fails."""

    version = "1"

    def __init__(self, name, error=None):
        self.name = self.tool = name
        self.error = error

    async def measure(self, source):
        if self.error:
            raise self.error
        return Measured((a_finding(component="m"),), {"m": 10}, ("Read all.",))


def served(*detectors, advisors=()):
    return ServedType(SPEC, detectors, ChainedEngines([]), (), advisors)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("not\nJSON"), "RuntimeError: not JSON."),
        (ToolFailed("It took more than 300 s and was stopped."), "It took more than 300 s"),
        (FileNotFoundError(2, "No such file", "jscpd"), "the program jscpd is missing."),
        (RecursionError("too deep"), "RecursionError: too deep."),
    ],
)
async def test_the_others_go_on_and_a_note_says_what_is_missing(error, said):
    measured = await _measure_type(served(Fake("good"), advisors=(Fake("bad", error),)), None)
    assert len(measured.findings) == 1
    assert measured.findings[0].agent_type == "code_quality"
    assert measured.failed == ("bad",)
    [good, bad] = measured.notes
    assert good == "Read all."
    assert bad.startswith("The detector bad failed, and its findings are missing: ")
    assert said in bad


@pytest.mark.parametrize("error", [Rejected("No such rule."), Transient("later"), Cancelled()])
async def test_what_concerns_all_detectors_is_passed_on(error):
    with pytest.raises(type(error)):
        await _measure_type(served(Fake("bad", error), Fake("good")), None)


async def test_no_health_is_derived_from_a_part_of_the_findings():
    whole = await _measure_type(served(Fake("good")), None)
    part = replace(whole, failed=("bad",))
    found = a_found()
    assert _health(found, whole)
    assert _health(found, part) == []


def a_found():
    """What identifies a measurement."""

    class Found:
        target_id, commit, measured_at = a_wave().target_id, "c" * 40, a_wave().created_at

    return Found()


def test_dimensions_that_were_measured_once_only_are_not_compared():
    wave = a_wave()
    one, other = a_health(wave), a_health(wave, dimension="other")
    assert comparable([one, other], [one]) == ([one], [one])
    assert comparable([one], [one, other]) == ([one], [one])
    assert comparable([one, other], []) == ([one, other], [])
