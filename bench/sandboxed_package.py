"""A package of which the suite runs in the sandbox, as the gate runs it."""

from dataclasses import dataclass
from pathlib import Path

from bench.rules_engine import rules_proposals
from services.validator.suite.adapters.suite import SandboxedSuite
from services.validator.suite.domain.reports import Reported
from shared.agent_types import Proposal
from shared.contracts.documents.targets import Target
from shared.detectors.ports import Source
from shared.environments.build import UvEnvironments
from shared.environments.ports import Environment
from shared.kernel.clock import utc_now
from shared.kernel.ids import uuid7
from shared.sandbox.ports import Sandbox
from shared.sandbox.scratch import Scratch
from shared.targets.mirror import Mirror
from shared.targets.paths import is_protected
from shared.targets.profile import TargetProfile, profile_target
from shared.targets.tree import GitTree

NO_COMMIT = "0" * 40


@dataclass(frozen=True)
class SandboxedPackage:
    """A package to measure, with what is needed to run its tests."""

    name: str
    target: Target
    mirror: Mirror
    profile: TargetProfile
    environment: Environment
    sandbox: Sandbox
    scratch: Scratch
    home: Path

    @property
    def head(self) -> str:
        """The commit that is measured."""
        return self.mirror.branch(self.target.base_branch) or ""

    def tree(self, _target: str, oid: str) -> GitTree:
        """Return a tree of the package by the id of a commit or tree."""
        return self.mirror.tree(oid)

    async def run_suite(self, oid: str, *, record: bool = False) -> Reported:
        """Make a full run of a tree; raises SystemExit if it gives no report."""
        suite = SandboxedSuite(self.sandbox, self.scratch, self.tree)
        outcome = await suite.run(
            oid, self.profile, self.environment, target_id=self.target.id, record=record
        )
        if not isinstance(outcome, Reported):
            raise SystemExit(f"{self.name}: {outcome.reason}\n{outcome.output_tail}")
        return outcome

    async def proposals(self) -> list[Proposal]:
        """Return the rules engine's proposals, without those that change protected paths."""
        source = Source(self.mirror.tree(self.head), self.profile, self.target.id)
        found = [
            each
            for component in self.profile.components
            for each in await rules_proposals(source, component.name, self.home / "agents")
        ]
        config = self.profile.config
        return [
            each for each in found if not any(is_protected(p, config) for p in each.changes or ())
        ]


async def prepare_package(
    name: str, path: Path, home: Path, sandbox: Sandbox, scratch: Scratch
) -> SandboxedPackage:
    """Mirror the repository of a package, build its environment, and return it ready to be run."""
    target = Target(
        id=uuid7(),
        location=str(path),
        root_commit=NO_COMMIT,
        name=name,
        base_branch="main",
        landing_branch="groundswell/main",
        created_at=utc_now(),
    )
    mirror = Mirror.at(home, target.id)
    mirror.fetch(target.location)
    head = mirror.branch("main") or ""
    profile = profile_target(mirror.tree(head))
    environments = UvEnvironments(home, sandbox, scratch, lambda _, oid: mirror.tree(oid))
    environment = await environments.prepare(target.id, profile, mirror.tree(head).oid)
    return SandboxedPackage(name, target, mirror, profile, environment, sandbox, scratch, home)
