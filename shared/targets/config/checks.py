"""What is checked over several tables of `groundswell.toml`."""

import difflib

from pydantic import ValidationError

from shared.kernel.errors import Rejected
from shared.kernel.extensions import agent_type_names, load_agent_types
from shared.targets.config.errors import config_rejection
from shared.targets.config.whole import TargetConfig


def check_tables(config: TargetConfig, source: str) -> None:
    """Raise `Rejected` for what no table alone can tell to be wrong."""
    _check_component_names(config, source)
    _check_component_agent_types(config, source)
    _check_agent_sections(config, source)
    _check_allowed_rules(config, source)


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
            raise config_rejection(error, source, model, ("agents", name)) from None


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
