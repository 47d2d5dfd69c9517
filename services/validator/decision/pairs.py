"""Pairs of changes that may break a test only together, and parts of a batch that halve them.

A pair is suspected if it is in each set of changes with which the test fails, and in none with
which it passes. A run with seven tenths of the batch has about every second pair.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log2

from services.validator.decision.evidence_log import EvidenceLog, KnownOutcome

# The best of so many random parts of a batch are run, each with so many tenths of it.
RANDOM_PARTS, TENTHS_IN_PART = 16, 7


@dataclass(frozen=True)
class SuspectedPairs:
    """The pairs of changes that may break one test together.

    `partners` are by change those that it may break the test with. In it and in masks, a change is
    the bit of its place in the batch.
    """

    partners: Mapping[int, int]

    @cached_property
    def count(self) -> int:
        """The number of pairs."""
        return self.count_inside(-1)

    @property
    def last(self) -> int:
        """The place in the batch of the last change of any pair."""
        return max(self.partners).bit_length() - 1

    def count_inside(self, part: int) -> int:
        """Return how many pairs have both changes in a part of the batch, given as a mask."""
        inside = (others & part for one, others in self.partners.items() if one & part)
        return sum(map(int.bit_count, inside)) // 2

    def bits(self, part: int) -> float:
        """Return how much a run of a part says about which pair it is, in bits (at most 1)."""
        share = self.count_inside(part) / self.count
        return -sum(each * log2(each) for each in (share, 1 - share) if each)


class Masks:
    """The parts of a batch as bit masks, in which a change is the bit of its place."""

    def __init__(self, changes: Sequence[str]) -> None:
        self.changes = tuple(changes)
        self._bits = {each: 1 << place for place, each in enumerate(changes)}
        self._known: dict[frozenset[str], int] = {}

    def of(self, part: frozenset[str]) -> int:
        """Return the mask of those changes of a set that are in the batch."""
        if part not in self._known:
            self._known[part] = sum(self._bits.get(each, 0) for each in part)
        return self._known[part]

    def has(self, part: frozenset[str]) -> bool:
        """Return true if all changes of a set are in the batch."""
        return self.of(part).bit_count() == len(part)


def suspected_pairs(log: EvidenceLog, test: str, batch: Masks) -> SuspectedPairs:
    """Return the pairs of a batch that may break this test together."""
    among = (1 << len(batch.changes)) - 1
    for failing in log.change_sets(test, KnownOutcome.FAILS):
        among &= batch.of(failing) if batch.has(failing) else among
    passing = [batch.of(each) & among for each in log.change_sets(test, KnownOutcome.PASSES)]
    partners = {}
    for one in _single_bits(among):
        others = among ^ one
        for part in passing:
            if part & one:
                others &= ~part
        if others:
            partners[one] = others
    return SuspectedPairs(partners)


def _single_bits(mask: int) -> Iterator[int]:
    """Yield the masks of each change of a mask, the first change of the batch first."""
    while mask:
        yield (lowest := mask & -mask)
        mask ^= lowest


def by_bits(
    parts: Iterable[tuple[str, ...]], batch: Masks, tests: Collection[SuspectedPairs]
) -> list[tuple[str, ...]]:
    """Return those parts of a batch that say something about the pairs, the best ones first."""
    masks = {part: batch.of(frozenset(part)) for part in parts}
    bits = {part: sum(each.bits(mask) for each in tests) for part, mask in masks.items()}
    return sorted((each for each in bits if bits[each]), key=lambda each: -bits[each])


def random_parts(changes: Sequence[str], salt: int) -> Iterator[list[str]]:
    """Yield random parts of a batch, which depend on its changes and the salt alone."""
    for number in range(RANDOM_PARTS):
        key = f"{salt}:{number}"
        yield [each for each in changes if _hashed_digit(each, key) < TENTHS_IN_PART]


def _hashed_digit(key: str, salt: str) -> int:
    """Return a digit that depends on the key and the salt alone, evenly distributed."""
    return int(hashlib.sha256(f"{salt}:{key}".encode()).hexdigest()[:8], 16) % 10
