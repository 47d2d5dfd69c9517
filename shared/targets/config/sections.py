"""The tables of `groundswell.toml`."""

from typing import Literal

from pydantic import Field

from shared.targets.config.base import CommandLine, Section


class TargetSection(Section):
    """`[target]`: `base` is the branch to improve by default, else it is the checked-out one."""

    base: str = ""


class ComponentSection(Section):
    """`[[component]]`: a named part of the target; `paths` are gitignore-style patterns.

    Only agents of `agent_types` may work there, all if it is empty. With `approval = "required"`
    every change there waits for a person.
    """

    name: str = Field(min_length=1, max_length=100)
    paths: tuple[str, ...] = Field(min_length=1)
    owners: tuple[str, ...] = ()
    agent_types: tuple[str, ...] = ()
    approval: Literal["none", "required"] = "none"


class EnvironmentSection(Section):
    """`[environment]`: how the tests' environment is built.

    `setup` are shell commands in the exported tree, run instead of installing what was detected.
    `as_of` is the date after which no package may have been published, `commit` for that of the
    commit, or `latest` for none; empty is none, and the commit's where no test passes otherwise.
    `timeout` is in seconds.
    """

    python: str = ""
    as_of: str = Field(default="", pattern=r"^(|commit|latest|\d{4}-\d\d-\d\d(T[\d:.]+Z?)?)$")
    setup: tuple[str, ...] | None = None
    timeout: float = Field(default=900, gt=0)


class TestSection(Section):
    """`[test]`: how tests are run; `command` replaces the detected one, `timeout` is in seconds.

    `extra` is how many times the suite's duration a wave may spend on all other runs together.
    """

    __test__ = False

    command: CommandLine = ""
    timeout: float = Field(default=1800, gt=0)
    extra: float = Field(default=2.0, ge=0)
    pythonpath: tuple[str, ...] = ()


class PolicySection(Section):
    """`[policy]`: what a patch may change, and what needs a person's approval.

    `protected` adds path patterns to the built-in ones; `protected_paths` refuses a patch to such a
    path, or asks for approval. `approval` names the changes that always need approval: those whose
    fix may change behaviour (unsafe), or all. `unprotected` decides about a change with a surviving
    mutant: it needs approval (ask), needs it unless its fix keeps behaviour (safe), or lands
    (allow). A change whose fix may change behaviour needs approval unless `allowed_rules` names its
    rule, by its code or its id (docs/rules.md). In any case a change needs approval if
    no test reaches a function any more that tests reached before it.
    """

    approval: Literal["none", "unsafe", "all"] = "none"
    protected_paths: Literal["refuse", "ask"] = "refuse"

    protected: tuple[str, ...] = ()
    unprotected: Literal["ask", "safe", "allow"] = "ask"
    allowed_rules: tuple[str, ...] = ()
    max_files: int = Field(default=200, ge=1)
    max_lines: int = Field(default=2000, ge=1)
    max_bytes: int = Field(default=1_000_000, ge=1)
    unsafe_fixes: bool = True

    def allows(self, rule: str) -> bool:
        """Return whether `allowed_rules` has a rule, by its id (`tool:code`) or its code."""
        return rule in self.allowed_rules or rule.partition(":")[2] in self.allowed_rules


class BenchSection(Section):
    """`[bench]`: `command` runs the target's benchmarks and writes results in `format`.

    docs/benchmarks-of-a-target.md describes the formats. `tolerance` is the share by which a
    benchmark may get worse. `timeout` is in seconds, for one run of the command.
    """

    command: CommandLine = ""
    format: Literal["auto", "pytest-benchmark", "hyperfine", "asv", "lines"] = "auto"
    tolerance: float = Field(default=0.02, ge=0, lt=1)
    timeout: float = Field(default=600, gt=0)


class WatchSection(Section):
    """`[watch]`: health is measured `checks` times in the `minutes` after a landing; 0 is never."""

    minutes: float = Field(default=60, gt=0)
    checks: int = Field(default=3, ge=0, le=50)


class LandingSection(Section):
    """`[landing]`: on a branch of ours (`branch`), or on the base branch itself (`direct`).

    `pull_request` lands on a branch of ours, pushes a branch for each wave or each enhancement to
    `remote`, and opens a pull request for it.
    """

    mode: Literal["branch", "direct", "pull_request"] = "branch"
    per: Literal["wave", "enhancement"] = "wave"
    remote: str = Field(default="origin", pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]*$")


class N8nSection(Section):
    """`[n8n]`: what becomes of landed changes of workflows in the n8n that the stack knows.

    Nothing (`no`), a new draft of the workflow (`draft`), or a new published version in place of
    the one that is published (`publish`).
    """

    apply: Literal["no", "draft", "publish"] = "no"
