"""How a failing batch is divided, which failing tests are worth running again, and when to look first."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import log2, prod

from services.validator.decision.evidence import Candidate, Knowledge

# Beyond this share of a full run, running all failing tests again saves too little.
DEAR = 0.5
FEW = 400
# Beyond this share of a full run, a targeted run has to be worth it.
TARGETED_IS_DEAR = 0.25
# A second repetition within a run may add so much to it.
CHEAP = 0.25
# All repetitions of the tests in a look may take so much of a full run.
SPARE = 0.05
# Of the changes that break something, so many are caught by the tests that reach them.
RECALL = 0.9
# How much less likely a change is to be to blame for a test that does not reach it.
FAR = 0.05


def midpoint(low: int, high: int) -> int:
    """Bisection: the prefix of length `low` passes, that of length `high` fails."""
    return (low + high) // 2


def is_dear(knowledge: Knowledge, tests: Iterable[str]) -> bool:
    """Whether running these costs a good part of a full run."""
    return bool(knowledge.durations) and knowledge.share(tests) > TARGETED_IS_DEAR


def is_cheap_again(knowledge: Knowledge, tests: Iterable[str]) -> bool:
    """Whether running these twice in one run costs little more than once: most of what it takes is its start."""
    return bool(knowledge.durations) and _extra(tests, knowledge) <= CHEAP * knowledge.share(())


def repeats(knowledge: Knowledge, tests: Collection[str], most: int) -> int:
    """How often tests may run within a run that is made anyway, for a little more of a full run."""
    extra = _extra(tests, knowledge) if tests and knowledge.durations else SPARE
    return max(1, min(most, int(SPARE / extra) if extra else most))


def at_once(knowledge: Knowledge, tests: Iterable[str]) -> int:
    """How many groups to draw before one is looked at: what costs about one full run, for they learn nothing of each other."""
    share = knowledge.share(tests) if knowledge.durations else 0.0
    # A test that the head lacks costs nothing that is known, where tests run side by side and so no start-up is seen.
    return max(1, round(1 / share)) if share else FEW


def witnesses(failing: Collection[str], knowledge: Knowledge) -> tuple[str, ...]:
    """The failing tests to run again: all, or where that is dear some quick ones of each module."""
    chosen = tuple(sorted(failing))
    if len(chosen) <= FEW and (not knowledge.durations or _extra(chosen, knowledge) <= DEAR):
        return chosen
    by_module: dict[str, list[str]] = defaultdict(list)
    for test in sorted(chosen, key=lambda each: (knowledge.durations.get(each, 0.0), each)):
        by_module[test.partition("::")[0]].append(test)
    share = max(1, FEW // len(by_module))
    while True:
        quick = [test for tests in by_module.values() for test in tests[:share]][:FEW]
        if share == 1 or _extra(quick, knowledge) <= DEAR:
            return tuple(sorted(quick))
        share //= 2


def _extra(tests: Iterable[str], knowledge: Knowledge) -> float:
    """What these tests cost beyond what any run does."""
    return knowledge.share(tests) - knowledge.share(())


def odds(change: Candidate, test: str) -> float:
    """How much this change is to be suspected of breaking that test."""
    risk = min(max(change.risk, 0.001), 0.999)
    near = change.impacted is None or test in change.impacted
    return risk / (1 - risk) * (1.0 if near else FAR)


def codes(weights: Mapping[str, float], depth: int) -> dict[str, str]:
    """A binary code for each key, at most `depth` long, in which each digit halves the weight.

    Shannon-Fano coding: asking for the digits one after the other, or all at once, finds a key in about
    as many questions as there are bits in not knowing which it is.
    """
    found = dict.fromkeys(weights, "")

    def divide(keys: Sequence[str], left: int) -> None:
        if len(keys) < 2 or not left:  # noqa: PLR2004
            return
        cut = _middle([weights[each] for each in keys])
        for digit, part in (("1", keys[:cut]), ("0", keys[cut:])):
            for each in part:
                found[each] += digit
            divide(part, left - 1)

    divide(sorted(weights, key=lambda each: -weights[each]), depth)
    return found


def _middle(weights: Sequence[float]) -> int:
    """Where to cut so that both parts weigh about the same; neither is empty."""
    half, before = sum(weights) / 2, 0.0
    for place, each in enumerate(weights[:-1], start=1):
        if before + each >= half:
            return place if place == 1 or before + each - half <= half - before else place - 1
        before += each
    return len(weights) - 1


def groups(cases: Sequence[Mapping[str, float]], count: int) -> list[frozenset[str]]:
    """Up to `count` groups of suspects, each of which halves as many cases as it can.

    A case is what is suspected of one test, with weights. One run of a group answers all cases at
    once, so a suspect's digits are those that the first case with it has given it.
    """
    digits: dict[str, str] = {}
    for case in cases:
        for key, code in codes(case, count).items():
            digits.setdefault(key, code)
    found = [
        frozenset(k for k, code in digits.items() if code[n : n + 1] == "1") for n in range(count)
    ]
    return [each for each in dict.fromkeys(found) if each]


def quick_gate_pays(changes: Sequence[Candidate], knowledge: Knowledge) -> bool:
    """Whether trying each change alone with the tests that reach it costs less than it is expected to save.

    A batch that fails its full run costs that run, the search for who is to blame, and another full run.
    """
    known = [each for each in changes if each.impacted and not each.needs]
    if not known or not knowledge.durations:
        return False
    targeted = knowledge.share(())
    bad = sum(each.risk for each in changes)
    trouble = 1 + targeted * (1 + log2(len(changes) + 1) + 2 * bad)
    passes = prod(1 - each.risk for each in changes)
    tried = {each.id for each in known}
    after = prod(1 - each.risk * (1 - RECALL * (each.id in tried)) for each in changes)
    price = sum(knowledge.share(each.impacted or ()) for each in known) + targeted * 2 * bad
    return price + (1 - after) * trouble < (1 - passes) * trouble


def look_pays(changes: Sequence[Candidate], knowledge: Knowledge) -> frozenset[str]:
    """The tests that reach any of the changes, where running them on the whole batch first is expected to save time.

    It saves the failing full run of a batch that is bad, and is paid for in any case.
    """
    known = [each.impacted for each in changes if each.impacted is not None]
    if len(known) < len(changes) or not knowledge.durations:
        return frozenset()
    tests = frozenset[str]().union(*known)
    fails = RECALL * (1 - prod(1 - each.risk for each in changes))
    return tests if tests and knowledge.share(tests) < fails else frozenset()
