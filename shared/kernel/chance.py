"""Chance that can be repeated: generators of random numbers that are made from a seed."""

import random

Chance = random.Random


def seeded(seed: str) -> Chance:
    """Return a generator whose numbers are the same for the same seed, on any machine."""
    return Chance(seed)
