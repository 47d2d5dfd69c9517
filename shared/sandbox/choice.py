"""Which sandbox this machine gets: the best tier that an intruder could not break out of."""

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
    """A kind of sandbox, under the name of its module in `shared.sandbox.tiers`."""

    label: str
    isolation: str
    trusted: bool = True


# Best first.
TIERS: Mapping[str, Tier] = {
    "bubblewrap": Tier(
        "A (bubblewrap)",
        "Every command has namespaces of its own: no network, no files but the toolchain and its "
        "own tree, no other processes; memory file systems of a fixed size; system calls are filtered.",
    ),
    "docker": Tier(
        "B (docker)",
        "Every command has a container of its own without network or capabilities, with the "
        "toolchain read-only; the daemon holds its memory and its processes.",
    ),
    "landlock": Tier(
        "C (landlock)",
        "The kernel refuses every command all files but the toolchain and its own tree, all network "
        "(also loopback servers of its own), and signals to others; memory and disk are looked at ten times a second.",
    ),
    "rlimits": Tier(
        "D (rlimits)",
        "This sandbox isolates little: a command has the validator's own rights, sees its files "
        "and its network. It is held only by limits on time, memory, file size and output, a "
        "scrubbed environment, and by being killed whole at the end.",
        trusted=False,
    ),
}


@dataclass(frozen=True)
class TierAssessment:
    """What one tier is worth here: `fault` says why it cannot be used."""

    module: str
    tier: Tier
    fault: str


class NoSandbox:
    """Stands where there is none: it runs nothing and says why."""

    tier = "none"
    isolation = "Nothing of a target is run."
    trusted = False

    def __init__(self, found: Sequence[TierAssessment]) -> None:
        self._why = "; ".join(f"{each.tier.label}: {each.fault}" for each in found)

    def can_read(self, path: Path) -> bool:
        """Nothing is out of reach for nobody."""
        return path.exists()

    async def run(self, command: Command) -> Completed:
        """Raises `Rejected` with code `no_sandbox`."""
        raise Rejected(
            f"This machine has no sandbox that holds, and {command.argv[0]} is a stranger's code. {self._why}",
            hint="`groundswell doctor` says what to install. To go on without isolation, where all code "
            "is your own: --allow-unsandboxed (GROUNDSWELL_ALLOW_UNSANDBOXED=1); then each change waits for your approval.",
            code="no_sandbox",
        )


async def choose_sandbox(
    home: Path,
    scratch: Scratch,
    *,
    wanted: str = AUTO,
    unsandboxed: bool = False,
) -> tuple[Sandbox, tuple[TierAssessment, ...]]:
    """The best sandbox here, with what was wrong with those above it."""
    if wanted not in {AUTO, *TIERS}:
        raise Rejected(
            f"There is no sandbox {wanted!r}.",
            hint=f"GROUNDSWELL_SANDBOX is one of {', '.join((AUTO, *TIERS))}.",
        )
    etc = await asyncio.to_thread(configuration.assemble, home / "sandbox")
    found: list[TierAssessment] = []
    for name in TIERS if wanted == AUTO else (wanted,):
        sandbox = _sandbox_of(name, etc)
        fault = await assess_tier(sandbox, name, scratch, unsandboxed=unsandboxed)
        if not fault:
            return sandbox, tuple(found)
        await sandbox.close()
        found.append(TierAssessment(name, TIERS[name], fault))
    return NoSandbox(found), tuple(found)


async def assess_tiers(home: Path) -> list[TierAssessment]:
    """What each tier is worth on this machine."""
    scratch = Scratch(home / "runs", uuid7)
    etc = await asyncio.to_thread(configuration.assemble, home / "sandbox")
    found = []
    for name, tier in TIERS.items():
        sandbox = _sandbox_of(name, etc)
        found.append(TierAssessment(name, tier, await assess_tier(sandbox, name, scratch)))
        await sandbox.close()
    scratch.close()
    return found


def _sandbox_of(name: str, etc: Path) -> SupervisedSandbox:
    tier = TIERS[name]
    return SupervisedSandbox(etc, name, tier.label, tier.isolation, trusted=tier.trusted)


async def assess_tier(
    sandbox: Sandbox, name: str, scratch: Scratch, *, unsandboxed: bool = False
) -> str:
    """What is wrong with one tier here; empty where nothing is."""
    if not TIERS[name].trusted:
        return "" if unsandboxed else "it isolates little, and was not allowed"
    if not sys.platform.startswith("linux") and name != "docker":
        return "it needs Linux"
    try:
        if name == "docker":
            docker = importlib.import_module("shared.sandbox.tiers.docker")
            await asyncio.to_thread(docker.prepare)
        async with scratch.workspace() as room:
            return await probe(sandbox, room)
    except OSError as error:
        return str(error)
