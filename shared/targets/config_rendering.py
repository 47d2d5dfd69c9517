"""The groundswell.toml that `groundswell init` writes: what was detected, each line with its reason."""

import json
import shlex

from shared.targets.profile import TargetProfile
from shared.targets.repository import RepositoryFacts


def render_config(profile: TargetProfile, facts: RepositoryFacts) -> str:
    """A file that says the same as the detection it came from; read back it gives the same plan."""
    lines = [
        f"# Groundswell on {facts.name}. Everything below was detected; change what is not right.",
        "# It is read from the base branch only, so a proposed change cannot loosen its own gate.",
        "",
    ]
    if not facts.detached:
        lines += ["[target]", f"base = {_text(facts.base_branch)}", ""]
    for each in profile.components:
        lines += [
            f"# {each.reason}",
            "[[component]]",
            f"name = {_text(each.name)}",
            f"paths = {_list(each.paths)}",
        ]
        lines += [f"owners = {_list(each.owners)}"] if each.owners else []
        lines.append("")
    lines += _environment(profile)
    lines += [
        "[test]",
        f"# Test files found: {len(profile.test.test_files)}.",
        f"command = {_text(shlex.join(profile.test.command))}",
        f"pythonpath = {_list(profile.test.pythonpath)}",
        f"timeout = {profile.test.timeout:g}  # seconds",
        "",
        "[policy]",
        "# More paths that no patch may touch without a person's word.",
        f"protected = {_list(profile.config.policy.protected)}",
        "# Also try fixes that may change behaviour; the gate decides.",
        f"unsafe_fixes = {str(profile.config.policy.unsafe_fixes).lower()}",
        "",
    ]
    return "\n".join(lines)


def _environment(profile: TargetProfile) -> list[str]:
    plan = profile.environment
    lines = ["[environment]"]
    lines += [f"python = {_text(plan.requires_python)}"] if plan.requires_python else []
    if plan.setup is not None:
        return [*lines, f"setup = {_list(plan.setup)}", ""]
    wanted = [*plan.installs, *(f"-r {each}" for each in plan.requirement_files)]
    lines += [
        f"# Installed: {', '.join(wanted) or 'nothing but pytest'}.",
        '# To do it yourself: setup = ["uv pip install -e .[test]"]',
        "",
    ]
    return lines


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _list(values: tuple[str, ...]) -> str:
    return json.dumps(list(values), ensure_ascii=False)
