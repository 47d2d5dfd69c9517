"""Divides the suspects of failing tests into groups, each of which halves those of every test.

This is Shannon-Fano coding (Fano 1949): asking for the digits of a code whose every digit halves
the weight, one after the other or all at once, finds a key in about as many questions as there are
bits of entropy in which key it is. No half is so large that it takes more questions than halving by
number, so that wrong weights cost little.
"""

from collections.abc import Collection, Iterable, Mapping

Weights = Mapping[str, float]


def halving_groups(suspects_by_test: Iterable[Weights], count: int) -> list[frozenset[str]]:
    """Return up to `count` groups of suspects that halve the suspects of many tests at once.

    Each mapping holds the suspects of one failing test with their weights; a run of a group answers
    for all tests. Together the groups tell apart as many suspects of a test as they can.
    """
    # Those of few suspects are halved first: the others leave more to choose from.
    cells, groups = sorted(_merged(suspects_by_test), key=len), list[frozenset[str]]()
    cells = [each for each in cells if len(each) > 1]
    while cells and len(groups) < count:
        group = _half_of_each(cells)
        groups.append(group)
        parts = [part for each in cells for part in _divided(each, group)]
        cells = [each for each in parts if len(each) > 1]
    return groups


def _merged(suspects_by_test: Iterable[Weights]) -> list[dict[str, float]]:
    """Return the suspects of tests that have the same ones once, with the mean of their weights."""
    found: dict[frozenset[str], dict[str, float]] = {}
    for weights in suspects_by_test:
        total = sum(weights.values())
        merged = found.setdefault(frozenset(weights), dict.fromkeys(weights, 0.0))
        for each, weight in weights.items():
            merged[each] += weight / total
    return list(found.values())


def _half_of_each(cells: Iterable[Weights]) -> frozenset[str]:
    """Return a group with about half of the weight of each cell; they may overlap."""
    inside, outside = set[str](), set[str]()
    for cell in cells:
        inside |= half(cell, inside, outside)
        outside |= cell.keys() - inside
    return frozenset(inside)


def half(weights: Weights, inside: Collection[str], outside: Collection[str]) -> frozenset[str]:
    """Return keys with about half of all weight, among them those `inside`, none `outside`.

    As far as the two allow it, neither these nor the others are so many that finding one of them
    takes as many halvings as finding one of all.
    """
    most = 2 ** ((len(weights) - 1).bit_length() - 1)
    chosen = [each for each in weights if each in inside]
    free = [each for each in weights if each not in inside and each not in outside]
    free.sort(key=lambda each: -weights[each])
    missing = sum(weights.values()) / 2 - sum(weights[each] for each in chosen)
    for each in tuple(free):
        if len(chosen) < most and abs(missing - weights[each]) < abs(missing):
            missing -= weights[each]
            chosen.append(each)
            free.remove(each)
    too_few = len(weights) - most - len(chosen)
    return frozenset(chosen + (free[-too_few:] if too_few > 0 else []))


def _divided(cell: Weights, group: Collection[str]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the part of a cell inside a group and the part outside of it."""
    inside = {each: weight for each, weight in cell.items() if each in group}
    return inside, {each: weight for each, weight in cell.items() if each not in group}
