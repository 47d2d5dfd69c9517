"""`[agents.code_quality]` of a target's groundswell.toml."""

from pydantic import BaseModel, ConfigDict, Field

from shared.detectors.ports import Source
from shared.detectors.ruff import RuleChoice

NAME = "code_quality"
SECTION = f"agents.{NAME}"
MAX_COMPLEXITY = 25


class CodeQualitySection(BaseModel):
    """Which built-in rules are looked for, and the target's own repairing command.

    `select` and `ignore` are prefixes of rule codes: only these (empty: all), and none of those.
    `fix` is a shell command that repairs files in place, such as a linter's. Functions of a higher
    cognitive complexity than `max_complexity` are findings.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fix: str = ""
    max_complexity: int = Field(default=MAX_COMPLEXITY, ge=1)


def section(source: Source) -> CodeQualitySection:
    """Return `[agents.code_quality]` of a target's configuration, or its defaults."""
    return source.profile.config.agent_section(NAME, CodeQualitySection)


def rule_choice(source: Source) -> RuleChoice:
    """Return which of ruff's rules a target selects and ignores."""
    chosen = section(source)
    return RuleChoice(chosen.select, chosen.ignore)


def repair_command(source: Source) -> str:
    """Return the command that repairs a target's files: configured, else detected; may be empty."""
    return section(source).fix or source.profile.lint_fix


def max_complexity(source: Source) -> int:
    """Return the cognitive complexity that a target's functions may have."""
    return section(source).max_complexity
