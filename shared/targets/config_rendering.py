"""The groundswell.toml that `groundswell init` writes: what was detected, with the reasons."""

import json
import shlex

from shared.targets.components import Component
from shared.targets.profile import TargetProfile
from shared.targets.repository import RepositoryFacts


def render_config(profile: TargetProfile, facts: RepositoryFacts) -> str:
    """Return a groundswell.toml that describes a target as it was detected.

    When it is read back, the components, tests and environment come out the same.
    """
    lines = [
        f"# Groundswell on {facts.name}. Everything below was detected; change what is not right.",
        "# It is read from the base branch only, so a proposed change cannot loosen its own gate.",
        "",
    ]
    if not facts.detached:
        lines += ["[target]", f"base = {_string(facts.base_branch)}", ""]
    for each in profile.components:
        lines += _component(each)
    lines += _environment(profile)
    lines += _test(profile)
    lines += _policy(profile)
    return "\n".join(_as_comment(each) if each.startswith("#") else each for each in lines)


def _as_comment(line: str) -> str:
    """Return a comment that no name in it can end: TOML allows no control characters there."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in line
    )


def _component(component: Component) -> list[str]:
    """Return the lines of the `[[component]]` table of a component."""
    return [
        f"# {component.reason}",
        "[[component]]",
        f"name = {_string(component.name)}",
        f"paths = {_list(component.paths)}",
        *([f"owners = {_list(component.owners)}"] if component.owners else []),
        *([f"agent_types = {_list(component.agent_types)}"] if component.agent_types else []),
        *(['approval = "required"'] if component.approval == "required" else []),
        "",
    ]


def _environment(profile: TargetProfile) -> list[str]:
    """Return the lines of the `[environment]` table."""
    plan = profile.environment
    lines = ["[environment]"]
    lines += [f"python = {_string(plan.requires_python)}"] if plan.requires_python else []
    if plan.setup is not None:
        return [*lines, f"setup = {_list(plan.setup)}", ""]
    wanted = [*plan.installs, *(f"-r {each}" for each in plan.requirement_files)]
    return [
        *lines,
        f"# Installed: {', '.join(wanted) or 'nothing but pytest'}.",
        '# To do it yourself: setup = ["uv pip install -e .[test]"]',
        "",
    ]


def _test(profile: TargetProfile) -> list[str]:
    """Return the lines of the `[test]` table."""
    plan = profile.test
    return [
        "[test]",
        f"# Test files found: {len(plan.test_files)}.",
        f"command = {_string(shlex.join(plan.command))}",
        f"pythonpath = {_list(plan.pythonpath)}",
        f"timeout = {plan.timeout:g}  # seconds",
        "",
    ]


def _policy(profile: TargetProfile) -> list[str]:
    """Return the lines of the `[policy]` table."""
    policy = profile.config.policy
    return [
        "[policy]",
        "# More paths that no patch may change without a person's approval.",
        f"protected = {_list(policy.protected)}",
        "# Also try fixes that may change behaviour; the gate decides.",
        f"unsafe_fixes = {str(policy.unsafe_fixes).lower()}",
        "",
    ]


def _string(value: str) -> str:
    """Return a string of TOML: JSON's, but for characters that JSON leaves and no editor shows."""
    return "".join(
        each if each.isprintable() else f"\\U{ord(each):08x}"
        for each in json.dumps(value, ensure_ascii=False)
    )


def _list(values: tuple[str, ...]) -> str:
    """Return strings as an array of TOML."""
    return f"[{', '.join(map(_string, values))}]"
