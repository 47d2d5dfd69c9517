"""`[agents.performance]` of a target's groundswell.toml."""

from pydantic import BaseModel, ConfigDict

from shared.detectors.ports import Source
from shared.detectors.ruff import RuleChoice

NAME = "performance"
SECTION = f"agents.{NAME}"


class PerformanceSection(BaseModel):
    """Which rules are looked for, and whether advice without a fix is.

    `select` and `ignore` are prefixes of rule codes: only these (empty: all), and none of those.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    advice: bool = True


def section(source: Source) -> PerformanceSection:
    """Return `[agents.performance]` of a target's configuration, or its defaults."""
    return source.profile.config.agent_section(NAME, PerformanceSection)


def rule_choice(source: Source) -> RuleChoice:
    """Return which rules a target selects and ignores."""
    chosen = section(source)
    return RuleChoice(chosen.select, chosen.ignore)
