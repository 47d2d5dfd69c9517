"""The conditions, one module for each kind of thing that could differ."""

from shared.behaviour.conditions import (
    aliasing,
    calls,
    dead_code,
    defaults,
    dict_types,
    digests,
    duplicates,
    exceptions,
    formatting,
    imports,
    laziness,
    lifetime,
    literals,
    ordering,
    percent,
    plain_types,
    reflection,
    returns,
    spelling,
    types,
    workflows,
)

__all__ = [
    "GENERAL",
    "aliasing",
    "calls",
    "dead_code",
    "defaults",
    "dict_types",
    "digests",
    "duplicates",
    "exceptions",
    "formatting",
    "imports",
    "laziness",
    "lifetime",
    "literals",
    "ordering",
    "percent",
    "plain_types",
    "reflection",
    "returns",
    "spelling",
    "types",
    "workflows",
]

# What a fix of any rule may do besides.
GENERAL = ("reflection.added-import",)
