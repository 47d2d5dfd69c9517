"""`[agents.architecture]` of a target's groundswell.toml."""

from pydantic import BaseModel, ConfigDict

from shared.detectors.imports.survey import ImportOptions
from shared.detectors.ports import Source

NAME = "architecture"


class ArchitectureSection(BaseModel):
    """Which rules are looked for, and the layers of the target.

    `select` and `ignore` are codes of rules, such as `type-only`: only these (empty: all), and
    none of those. `layers` are dotted names of packages and modules, the highest first; a layer
    may import those after it. Several names on one layer, separated by `|`, may not import each
    other. `used` are distributions that are needed although nothing imports them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    used: tuple[str, ...] = ()


def section(source: Source) -> ArchitectureSection:
    """Return `[agents.architecture]` of a target's configuration, or its defaults."""
    return source.profile.config.agent_section(NAME, ArchitectureSection)


def import_options(source: Source) -> ImportOptions:
    """Return what a target wants to know of its imports."""
    chosen = section(source)
    return ImportOptions(chosen.layers, chosen.select, chosen.ignore)


def used_dependencies(source: Source) -> tuple[str, ...]:
    """Return the distributions that a target says it needs although nothing imports them."""
    return section(source).used
