"""`[agents.security]` of a target's groundswell.toml."""

from pydantic import BaseModel, ConfigDict, Field

from services.agents.types.security.rule import REQUEST_TIMEOUT_SECONDS
from shared.detectors.ports import Source
from shared.detectors.ruff import RuleChoice

NAME = "security"
SECTION = f"agents.{NAME}"


class SecuritySection(BaseModel):
    """Which rules are looked for, and the time-out that requests without one are given.

    `select` and `ignore` are prefixes of rule codes: only these (empty: all), and none of those.
    `advisories` is a folder of the target with OSV records, one JSON file each; without it nothing
    is said about versions of dependencies.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    request_timeout_seconds: float = Field(default=REQUEST_TIMEOUT_SECONDS, gt=0)
    advisories: str = ""


def section(source: Source) -> SecuritySection:
    """Return `[agents.security]` of a target's configuration, or its defaults."""
    return source.profile.config.agent_section(NAME, SecuritySection)


def rule_choice(source: Source) -> RuleChoice:
    """Return which of the rules a target selects and ignores."""
    chosen = section(source)
    return RuleChoice(chosen.select, chosen.ignore)
