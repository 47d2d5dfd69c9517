"""The declaration of an agent type."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from shared.agent_types.engines import EngineFactory
from shared.agent_types.fixers import DEFAULT_PRIORS, Fixer, Priors
from shared.agent_types.health import HealthDimension
from shared.behaviour.declarations import UNDECLARED, FixBehaviour
from shared.detectors.ports import Change, Detector, DetectorResources, Source

DetectorFactory = Callable[[DetectorResources], Detector]
FixersOfTarget = Callable[[Source], Sequence[Fixer]]
Describe = Callable[[Mapping[str, Change]], str]


class NoConfiguration(BaseModel):
    """The section of an agent type that has nothing to configure."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class RequiredProgram:
    """A program that the detectors or fixers of an agent type run, of an installed package.

    `find` returns its path, and raises `FileNotFoundError` where it is missing.
    """

    package: str
    find: Callable[[], str]


@dataclass(frozen=True)
class AgentSpec:
    """One agent type, whole: what it is, what it measures, and how it makes changes.

    One field per thing that it declares. `files` are gitignore-style patterns of the files it cares
    for. `guards` are detectors that only the gate runs: a change of this type must not add what
    they find. `advisors` are detectors that only agents run: what they find is advice, and no
    change is refused for it. `engines` are tried after the rules engine over `fixers`, which every
    type has. `configuration` validates `[agents.<name>]` of a target's groundswell.toml;
    `protected_files` are patterns of files that configure the detectors, which no change may touch
    without approval. `behaviours` declares, by rule, what proposals of `engines` may change about
    behaviour; that of a fixer is in its own declaration. `advises` are the rules on whose findings
    its engines advise people where nothing fixes them. `groundswell doctor` looks for the
    `programs`. `describe` tells in words what changes of its files do, whoever made them; it
    returns nothing about other files.

    Rules that a target brings itself are of the tools in `target_rules`, which declares what their
    fixes may change, and `target_fixers` makes the fixers of them. `protected_keys` are keys of the
    configuration that name files or folders with such rules, which are protected as well.
    """

    name: str
    description: str
    dimensions: tuple[HealthDimension, ...]
    detectors: tuple[DetectorFactory, ...]
    fixers: tuple[Fixer, ...] = ()
    guards: tuple[DetectorFactory, ...] = ()
    advisors: tuple[DetectorFactory, ...] = ()
    engines: tuple[EngineFactory, ...] = ()
    files: tuple[str, ...] = ("*",)
    priors: Priors = DEFAULT_PRIORS
    configuration: type[BaseModel] = NoConfiguration
    protected_files: tuple[str, ...] = ()
    behaviours: Mapping[str, FixBehaviour] = field(default_factory=dict)
    advises: frozenset[str] = frozenset()
    programs: tuple[RequiredProgram, ...] = ()
    describe: Describe | None = None
    target_rules: Mapping[str, FixBehaviour] = field(default_factory=dict)
    target_fixers: FixersOfTarget | None = None
    protected_keys: tuple[str, ...] = ()

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules that it declares something about."""
        return (*(each.declaration.rule for each in self.fixers), *self.behaviours)

    def behaviour(self, rule: str) -> FixBehaviour:
        """Return what a rule declares about the behaviour of the code that its fix changes."""
        for each in self.fixers:
            if each.declaration.rule == rule:
                return each.declaration.behaviour
        of_target = self.target_rules.get(rule.partition(":")[0], UNDECLARED)
        return self.behaviours.get(rule, of_target)
