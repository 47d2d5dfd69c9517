"""Diagnosis of this machine: what is installed, what is missing, what that costs, how to fix it."""

import asyncio
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import psutil
import uv

from deploy.homes import MIN_FREE_BYTES, find_running_stack, without_credentials
from deploy.programs import find_program
from shared.agent_types import agent_specs
from shared.kernel.errors import Rejected
from shared.sandbox.choice import TierAssessment, assess_tiers

MIN_GIT = (2, 28)
MIN_PYTHON = (3, 11)
MIN_MEMORY_MB = 1500  # the idle stack and a small test suite
REMEDIES = {
    "bubblewrap": "Allow unprivileged user namespaces (sysctl user.max_user_namespaces, "
    "kernel.apparmor_restrict_unprivileged_userns=0, or a container that permits them).",
    "docker": "Start a Docker daemon that this user may talk to.",
    "landlock": "Use Linux 6.12 or newer with Landlock; as root also a home directory that other "
    "users may traverse (GROUNDSWELL_HOME=/var/lib/groundswell) and a Python outside of root's "
    "home.",
}


@dataclass(frozen=True)
class Check:
    """One check: `cost` is what its state means in practice, `remedy` what to do about it."""

    name: str
    state: Literal["ok", "missing", "limited"]
    found: str
    cost: str = ""
    remedy: str = ""
    essential: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Return the check as JSON-compatible data."""
        return asdict(self)


def examine(home: Path) -> list[Check]:
    """Run all checks and return their results; none of them changes anything."""
    checks: list[Callable[[], Check]] = [
        _python,
        _git,
        lambda: _server("nats-server", "GROUNDSWELL_NATS_URL", "NATS"),
        lambda: _server("secantusd-py", "GROUNDSWELL_MONGO_URL", "a MongoDB wire"),
        lambda: _tool("uv", uv.find_uv_bin, "targets' test environments cannot be built"),
        lambda: _home(home),
        _memory,
    ]
    return [
        *(each() for each in checks),
        *_agent_types(),
        *_sandboxes(home),
        _forge(),
        _n8n(),
        _stack(home),
    ]


def _python() -> Check:
    """Check that this Python is new enough."""
    found = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info[:2] >= MIN_PYTHON:
        return Check("Python", "ok", found)
    return Check("Python", "missing", found, "nothing runs", "Install Python 3.11 or newer.")


def _git() -> Check:
    """Check that git is on PATH and new enough."""
    path = shutil.which("git")
    if path is None:
        return Check("git", "missing", "not on PATH", "nothing runs", "Install git.")
    output = _output(path, "--version")
    version = tuple(int(each) for each in re.findall(r"\d+", output)[:2])
    if version < MIN_GIT:
        return Check(
            "git", "limited", output, "older than what is tested", "Install git 2.28 or newer."
        )
    return Check("git", "ok", output)


def _server(name: str, variable: str, what: str) -> Check:
    """Check that a server to embed is installed, unless `variable` names one to connect to."""
    if url := os.environ.get(variable):
        return Check(name, "ok", f"not needed: {variable} is {without_credentials(url)}")
    try:
        path = find_program(name)
    except Rejected as error:
        return Check(name, "missing", "not installed", f"no embedded {what}", error.hint)
    return Check(name, "ok", f"embedded: {path}")


def _tool(name: str, find: Callable[[], Any], cost: str) -> Check:
    """Check a tool that comes as a Python package; `cost` is what does not work without it."""
    try:
        path = str(find())
        version = importlib.metadata.version(name)
    except (FileNotFoundError, importlib.metadata.PackageNotFoundError):
        return Check(name, "missing", "not installed", cost, "Run make setup again.")
    return Check(name, "ok", f"{version} ({path})")


def _agent_types() -> list[Check]:
    """Return a check for each program that the agent types need, or that they cannot be loaded."""
    try:
        specs = agent_specs()
    except Rejected as error:
        return [Check("agent types", "missing", error.message, "no agent starts", error.hint)]
    return [
        _tool(each.package, each.find, f"the {spec.name} agent finds and fixes nothing")
        for spec in specs.values()
        for each in spec.programs
    ]


def _home(home: Path) -> Check:
    """Check that the home directory can be written to and has enough space."""
    existing = next(each for each in (home, *home.parents) if each.exists())
    if not os.access(existing, os.W_OK):
        remedy = "Set GROUNDSWELL_HOME to a directory that you may write to."
        return Check("home", "missing", f"{home} cannot be written", "no stack here", remedy)
    free = shutil.disk_usage(existing).free
    found = f"{home}, {free >> 20} MB free"
    if free < MIN_FREE_BYTES:
        remedy = "Make room, or set GROUNDSWELL_HOME to another disk."
        return Check("home", "missing", found, f"{MIN_FREE_BYTES >> 20} MB are needed", remedy)
    return Check("home", "ok", found)


def _memory() -> Check:
    """Check that the machine has enough memory for the stack and a small test suite."""
    total, cores = psutil.virtual_memory().total >> 20, psutil.cpu_count()
    found = f"{total} MB memory, {cores} cores"
    if total < MIN_MEMORY_MB:
        return Check(
            "machine", "limited", found, "the stack alone takes about 600 MB", essential=False
        )
    return Check("machine", "ok", found)


def _sandboxes(home: Path) -> list[Check]:
    """Return a check per sandbox tier, and one more if none can be used."""
    found = asyncio.run(assess_tiers(home))
    best = next((each for each in found if not each.problem and each.tier.trusted), None)
    checks = [_tier_check(each, used=each is best) for each in found if each.tier.trusted]
    if best is not None:
        return checks
    return [
        *checks,
        Check(
            "sandbox",
            "missing",
            "no tier works here",
            "no target's code is run, unless --allow-unsandboxed runs it with your own rights",
            "See the tiers above for what to install.",
        ),
    ]


def _tier_check(assessment: TierAssessment, *, used: bool) -> Check:
    """Return the check of one sandbox tier; `used` says that it is the one that is chosen."""
    name = f"tier {assessment.tier.label}"
    if not assessment.problem:
        found = f"{name} works" + (" and is used" if used else "")
        return Check("sandbox", "ok", found, essential=False)
    return Check(
        "sandbox",
        "limited",
        f"{name} does not work here",
        assessment.problem,
        REMEDIES[assessment.module],
        essential=False,
    )


def _forge() -> Check:
    """Check whether pull requests can be opened; the token itself is never shown."""
    kind = os.environ.get("GROUNDSWELL_FORGE") or "github"
    if os.environ.get("GROUNDSWELL_FORGE_TOKEN"):
        return Check("forge", "ok", f"a token for {kind} is set", essential=False)
    return Check(
        "forge",
        "limited",
        "no token",
        "with [landing] mode = pull_request branches are pushed, and you open the pull requests",
        "Set GROUNDSWELL_FORGE_TOKEN, and GROUNDSWELL_FORGE to github or gitlab.",
        essential=False,
    )


def _n8n() -> Check:
    """Check whether workflows can be tried in an n8n; the key itself is never shown."""
    names = ("GROUNDSWELL_N8N_URL", "GROUNDSWELL_N8N_API_KEY")
    missing = [each for each in names if not os.environ.get(each)]
    if not missing:
        return Check("n8n", "ok", "an address and a key are set", essential=False)
    return Check(
        "n8n",
        "limited",
        f"{' and '.join(missing)} not set",
        "changes of n8n workflows are judged by their JSON alone",
        f"Set {' and '.join(names)} to an n8n for tests.",
        essential=False,
    )


def _stack(home: Path) -> Check:
    """Return whether a stack is running in this home, as a check that is always ok."""
    stack = find_running_stack(home)
    found = f"running, API at {stack.api_url}" if stack else "not running; groundswell up starts it"
    return Check("stack", "ok", found, essential=False)


def _output(*argv: str) -> str:
    """Run a command, and return what it prints on standard output."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.stdout.strip()
