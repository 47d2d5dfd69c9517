"""The conditions, one module for each kind of thing that could differ."""

from shared.behaviour.conditions import (
    aliasing,
    calls,
    defaults,
    dict_types,
    duplicates,
    exceptions,
    formatting,
    laziness,
    lifetime,
    ordering,
    plain_types,
    reflection,
    spelling,
    types,
)

__all__ = [
    "GENERAL",
    "aliasing",
    "calls",
    "defaults",
    "dict_types",
    "duplicates",
    "exceptions",
    "formatting",
    "laziness",
    "lifetime",
    "ordering",
    "plain_types",
    "reflection",
    "spelling",
    "types",
]

# What a fix of any rule may do besides.
GENERAL = ("reflection.added-import",)
