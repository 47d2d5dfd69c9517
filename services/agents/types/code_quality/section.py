"""`[agents.code_quality]` of a target's groundswell.toml."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from shared.detectors.astgrep import AstGrepRules
from shared.detectors.astgrep.rules import NO_RULES, read_rules
from shared.detectors.ports import Source
from shared.detectors.ruff import RuleChoice
from shared.targets.names import path_problem

NAME = "code_quality"
SECTION = f"agents.{NAME}"
MAX_COMPLEXITY = 25


def _check_folder(path: str) -> str:
    """Return the path of a folder without a slash at its end. Raises ValueError for a bad one."""
    folder = path.removeprefix("./").rstrip("/")
    if path and (problem := path_problem(folder)):
        raise ValueError(f"name a folder of the repository by its path from the root: {problem}")
    return folder


def _as_list(commands: object) -> object:
    """Return a single command as a list of one."""
    return (commands,) if isinstance(commands, str) else commands


class CodeQualitySection(BaseModel):
    """Which built-in rules are looked for, and the target's own repairing command.

    `select` and `ignore` are prefixes of rule codes: only these (empty: all), and none of those.
    `fix` is a shell command that repairs files in place, such as a linter's. Functions of a higher
    cognitive complexity than `max_complexity` are findings. `rules` is a folder with rules for
    ast-grep, and `sarif` are shell commands that print a SARIF log.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fix: str = ""
    rules: Annotated[str, AfterValidator(_check_folder)] = ""
    sarif: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
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


def sarif_commands(source: Source) -> tuple[str, ...]:
    """Return the commands that print what they find in a target."""
    return section(source).sarif


def own_rules(source: Source) -> AstGrepRules:
    """Return the target's own rules for ast-grep. Raises `Rejected` where they cannot be read."""
    folder = section(source).rules
    return read_rules(source.tree, folder, f"{SECTION}.rules") if folder else NO_RULES
