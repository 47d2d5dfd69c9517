"""A small generated target whose suite takes a known amount of CPU time, and proposals for it.

Each proposal rewrites one module of its own, so that no two of them conflict. Some of them change
what the module returns and so fail its test.
"""

from dataclasses import dataclass
from pathlib import Path

from bench.targets import as_repository
from shared.targets.patches import make_patch

MODULE = "def value():\n    return {number}\n"
TEST = """import time

from m{number:02} import value


def test_value():
    end = time.process_time() + {cpu_seconds}
    while time.process_time() < end:
        pass
    assert value() == {number}
"""


@dataclass(frozen=True)
class Size:
    """How many proposals there are, which of them break a test, and how long each test takes.

    One in every `broken_every` proposals breaks its test. A test uses `cpu_seconds` of one core.
    """

    proposals: int
    broken_every: int
    cpu_seconds: float


FULL, QUICK = Size(15, 5, 0.4), Size(4, 4, 0.01)


def write_target(path: Path, size: Size) -> Path:
    """Write one module and one test per proposal into a new Git repository at `path`."""
    (path / "tests").mkdir(parents=True)
    for number in range(size.proposals):
        (path / f"m{number:02}.py").write_text(MODULE.format(number=number))
        test = TEST.format(number=number, cpu_seconds=size.cpu_seconds)
        (path / "tests" / f"test_m{number:02}.py").write_text(test)
    return as_repository(path)


def proposal_patch(number: int, *, broken: bool) -> str:
    """Return a patch of the module of this number; it keeps the behaviour unless `broken`."""
    before = MODULE.format(number=number)
    result = number + 1 if broken else number
    after = f"def value():\n    found = {result}\n    return found\n"
    return make_patch({f"m{number:02}.py": (before.encode(), after.encode())})


def proposal_title(number: int) -> str:
    """Return the title of the proposal of this number, the same in every run."""
    return f"refactor(m{number:02}): name what is returned"


def is_broken(number: int, size: Size) -> bool:
    """Return whether the proposal of this number breaks its test; these are spread evenly."""
    return number % size.broken_every == size.broken_every // 2
