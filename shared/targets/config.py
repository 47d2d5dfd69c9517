"""The settings in a target's `groundswell.toml`, which is read from the base branch only."""

import difflib
import shlex
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from shared.kernel.errors import Rejected
from shared.kernel.extensions import agent_type_names, load_agent_types
from shared.kernel.toml_data import read_toml_text

FILE = "groundswell.toml"
MAX_REPORTED_ERRORS = 6

S = TypeVar("S", bound=BaseModel)


def _check_command(text: str) -> str:
    """Return a command if a shell could split it. Raises ValueError."""
    try:
        shlex.split(text)
    except ValueError as error:
        raise ValueError(f"it cannot be split into words: {error}") from None
    return text


CommandLine = Annotated[str, AfterValidator(_check_command)]


class Section(BaseModel):
    """A table of `groundswell.toml`; unknown keys are refused, as they are mostly typing errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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


class TargetConfig(Section):
    """The whole of `groundswell.toml`; every table may be left out.

    `agents` has a table for each agent type, which the type's own model has validated.
    """

    target: TargetSection = TargetSection()
    component: tuple[ComponentSection, ...] = ()
    environment: EnvironmentSection = EnvironmentSection()
    test: TestSection = TestSection()
    policy: PolicySection = PolicySection()
    landing: LandingSection = LandingSection()
    bench: BenchSection = BenchSection()
    watch: WatchSection = WatchSection()
    n8n: N8nSection = N8nSection()
    agents: dict[str, dict[str, Any]] = Field(default_factory=dict)

    def agent_section(self, name: str, model: type[S]) -> S:
        """Return `[agents.<name>]` as that type's model, with its defaults where it is left out."""
        return model.model_validate(self.agents.get(name, {}))


def parse_config(content: bytes, *, source: str = FILE) -> TargetConfig:
    """Parse and check a `groundswell.toml`. Raises `Rejected`, which says what is wrong in it."""
    try:
        data = read_toml_text(content)
    except ValueError as error:
        raise Rejected(f"{source} is not valid TOML: {error}.", code="bad_config") from error
    try:
        config = TargetConfig.model_validate(data)
    except ValidationError as error:
        raise _rejected(error, source, TargetConfig) from None
    _check_component_names(config, source)
    _check_component_agent_types(config, source)
    _check_agent_sections(config, source)
    _check_allowed_rules(config, source)
    return config


def _check_component_names(config: TargetConfig, source: str) -> None:
    """Raise `Rejected` if two components have the same name."""
    names = [each.name for each in config.component]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise Rejected(f"{source}: two components are called {repeated[0]}.", code="bad_config")


def _check_component_agent_types(config: TargetConfig, source: str) -> None:
    """Raise `Rejected` if a component admits an agent type that is not registered."""
    for component in config.component:
        for name in component.agent_types:
            if name not in agent_type_names():
                raise Rejected(
                    f"{source}: component {component.name}: {_unknown_type('agent_types', name)}",
                    code="bad_config",
                )


def _unknown_type(key: str, name: str) -> str:
    """Return the sentence on a name that no registered agent type has, with the nearest one."""
    types = agent_type_names()
    near = difflib.get_close_matches(name, types, n=1)
    guess = f"did you mean {near[0]}?" if near else f"registered: {', '.join(types)}."
    return f"{key}.{name} is not a registered agent type; {guess}"


def _check_agent_sections(config: TargetConfig, source: str) -> None:
    """Raise `Rejected` for `[agents.<name>]` of no registered type, or that its model refuses."""
    types = load_agent_types() if config.agents else {}
    for name, content in config.agents.items():
        if name not in types:
            raise Rejected(f"{source}: {_unknown_type('agents', name)}", code="bad_config")
        model = types[name].configuration
        try:
            model.model_validate(content)
        except ValidationError as error:
            raise _rejected(error, source, model, ("agents", name)) from None


def _check_allowed_rules(config: TargetConfig, source: str) -> None:
    """Raise `Rejected` for a rule in `allowed_rules` that no registered agent type has.

    Rules that a target brings itself are not known here; they are named by their whole ids.
    """
    if not config.policy.allowed_rules:
        return
    known = {rule for each in load_agent_types().values() for rule in each.rules}
    codes = {each.partition(":")[2] for each in known}
    brought = {tool for each in load_agent_types().values() for tool in each.target_rules}
    for rule in config.policy.allowed_rules:
        if rule not in known | codes and rule.partition(":")[0] not in brought:
            near = difflib.get_close_matches(rule, known | codes, n=1)
            guess = f"did you mean {near[0]}?" if near else "see docs/rules.md."
            raise Rejected(
                f"{source}: policy.allowed_rules: {rule} is the rule of no agent type; {guess}",
                code="bad_config",
            )


def _rejected(
    error: ValidationError, source: str, model: type[BaseModel], prefix: tuple[str, ...] = ()
) -> Rejected:
    """Return the error that says in sentences which keys are wrong, the first 6 of them."""
    lines = [_sentence(dict(each), model, prefix) for each in error.errors(include_url=False)]
    return Rejected(f"{source}: {' '.join(lines[:MAX_REPORTED_ERRORS])}", code="bad_config")


def _sentence(error: dict[str, Any], model: type[BaseModel], prefix: tuple[str, ...]) -> str:
    """Return a validation error of pydantic as a sentence for the user."""
    location = [str(part) for part in error["loc"]]
    key = ".".join((*prefix, *location))
    if error["type"] != "extra_forbidden":
        return f"{key}: {error['msg']}."
    known = _known_keys(location[:-1], model)
    near = difflib.get_close_matches(location[-1], known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}."
    return f"{key} is not a known key; {hint}"


def _known_keys(location: list[str], model: type[BaseModel]) -> list[str]:
    """Return the names of the keys that `model` allows in the table at `location`, sorted.

    `location` leads to the table itself, as keys and, in lists of tables, indexes in digits:
    `["component", "0"]`. All its keys must be known.
    """
    sections = {"component": ComponentSection}
    for part in location:
        if part.isdigit():
            continue
        annotation = model.model_fields[part].annotation
        model = sections.get(part) or annotation  # type: ignore[assignment]
    return sorted(model.model_fields)
