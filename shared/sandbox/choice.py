"""Choice of the sandbox tier: the best one that an intruder run on this machine cannot escape."""

import asyncio
import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.kernel.errors import Rejected
from shared.kernel.ids import uuid7
from shared.sandbox import configuration
from shared.sandbox.ports import Command, Completed, Sandbox
from shared.sandbox.probe import probe
from shared.sandbox.scratch import Scratch
from shared.sandbox.supervised import SupervisedSandbox

AUTO = "auto"


@dataclass(frozen=True)
class Tier:
    """A kind of sandbox; `TIERS` has it under the name of its module in `shared.sandbox.tiers`."""

    label: str
    isolation: str
    trusted: bool = True


# Best first.
TIERS: Mapping[str, Tier] = {
    "bubblewrap": Tier(
        "A (bubblewrap)",
        "Every command has namespaces of its own: no network, no files but the toolchain and its "
        "own tree, no other processes; memory file systems of a fixed size; system calls are "
        "filtered.",
    ),
    "docker": Tier(
        "B (docker)",
        "Every command has a container of its own without network or capabilities, with the "
        "toolchain read-only; the daemon limits its memory and its processes.",
    ),
    "landlock": Tier(
        "C (landlock)",
        "The kernel denies every command all files but the toolchain and its own tree, all network "
        "(also loopback servers of its own), and signals to other processes; memory and disk usage "
        "are checked ten times a second.",
    ),
    "rlimits": Tier(
        "D (rlimits)",
        "This sandbox isolates little: a command has the validator's own rights, sees its files "
        "and its network. There are only limits on time, memory, file size and output, a "
        "scrubbed environment, and all its processes are killed at the end.",
        trusted=False,
    ),
}


@dataclass(frozen=True)
class TierAssessment:
    """The result of trying one tier on this machine; `problem` is empty where it can be used."""

    module: str
    tier: Tier
    problem: str


class NoSandbox:
    """The sandbox of a machine that supports no tier: it rejects every command."""

    tier = "none"
    isolation = "Nothing of a target is run."
    trusted = False

    def __init__(self, assessments: Sequence[TierAssessment]) -> None:
        self._problems = "; ".join(f"{each.tier.label}: {each.problem}" for each in assessments)

    def can_read(self, path: Path) -> bool:
        """Return whether `path` exists; no command will ever read it."""
        return path.exists()

    async def run(self, command: Command) -> Completed:
        """Raise `Rejected` with code `no_sandbox`."""
        raise Rejected(
            f"No sandbox works on this machine, and {command.argv[0]} would run code of a target. "
            f"{self._problems}",
            hint="`groundswell doctor` says what to install. To run without isolation, if you "
            "trust all the code: --allow-unsandboxed (GROUNDSWELL_ALLOW_UNSANDBOXED=1); then each "
            "change needs your approval.",
            code="no_sandbox",
        )


async def choose_sandbox(
    home: Path,
    scratch: Scratch,
    *,
    wanted: str = AUTO,
    unsandboxed: bool = False,
) -> tuple[Sandbox, tuple[TierAssessment, ...]]:
    """Return the best sandbox here, else `NoSandbox`, and the better tiers that cannot be used.

    `wanted` names one tier, `unsandboxed` permits the tier that isolates little. Raises `Rejected`
    for an unknown tier.
    """
    if wanted not in {AUTO, *TIERS}:
        raise Rejected(
            f"There is no sandbox {wanted!r}.",
            hint=f"GROUNDSWELL_SANDBOX is one of {', '.join((AUTO, *TIERS))}.",
        )
    etc = await asyncio.to_thread(configuration.assemble_etc, home / "sandbox")
    unusable: list[TierAssessment] = []
    for name in TIERS if wanted == AUTO else (wanted,):
        sandbox = _sandbox_of(name, etc)
        problem = await assess_tier(sandbox, name, scratch, unsandboxed=unsandboxed)
        if not problem:
            return sandbox, tuple(unusable)
        await sandbox.close()
        unusable.append(TierAssessment(name, TIERS[name], problem))
    return NoSandbox(unusable), tuple(unusable)


async def assess_tiers(home: Path) -> list[TierAssessment]:
    """Try every tier that isolates, and return an assessment of each tier, best first."""
    scratch = Scratch(home / "runs", uuid7)
    etc = await asyncio.to_thread(configuration.assemble_etc, home / "sandbox")
    found = []
    for name, tier in TIERS.items():
        sandbox = _sandbox_of(name, etc)
        found.append(TierAssessment(name, tier, await assess_tier(sandbox, name, scratch)))
        await sandbox.close()
    scratch.close()
    return found


def _sandbox_of(name: str, etc: Path) -> SupervisedSandbox:
    """Return the sandbox of a tier by its name, not yet tried on this machine."""
    tier = TIERS[name]
    return SupervisedSandbox(etc, name, tier.label, tier.isolation, trusted=tier.trusted)


async def assess_tier(
    sandbox: Sandbox, name: str, scratch: Scratch, *, unsandboxed: bool = False
) -> str:
    """Return why the tier `name` cannot be used on this machine; empty if it can."""
    if not TIERS[name].trusted:
        return "" if unsandboxed else "it isolates little, and was not allowed"
    if not sys.platform.startswith("linux") and name != "docker":
        return "it needs Linux"
    try:
        if name == "docker":
            docker = importlib.import_module("shared.sandbox.tiers.docker")
            await asyncio.to_thread(docker.prepare)
        async with scratch.workspace() as workspace:
            return await probe(sandbox, workspace)
    except OSError as error:
        return str(error)
