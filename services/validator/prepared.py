"""A target at one commit, with the environment its tests run in."""

import asyncio
from dataclasses import dataclass
from functools import cached_property

from services.validator.deps import ValidatorDeps
from shared.contracts.documents.targets import Target
from shared.environments.ports import Environment
from shared.targets.mirror import Mirror
from shared.targets.paths import is_protected
from shared.targets.profile import TargetProfile, profile_target


@dataclass(frozen=True)
class PreparedHead:
    """A target at one commit, with what it takes to run its tests there."""

    target: Target
    mirror: Mirror
    head: str
    profile: TargetProfile
    environment: Environment

    @property
    def tree(self) -> str:
        """The tree of the head commit."""
        return self.mirror.tree(self.head).oid

    @cached_property
    def judges(self) -> str:
        """A digest of the files of the head that say whether a change is good: its tests and all that is protected."""
        return self.mirror.tree(self.head).digest(lambda p: is_protected(p, self.profile.config))


async def prepare_head(deps: ValidatorDeps, target: Target, head: str) -> PreparedHead:
    """Read the target at `head` and prepare its environment; raises what preparing raises."""
    mirror = deps.mirror(target)
    described = await asyncio.to_thread(
        lambda: profile_target(mirror.tree(head), mirror.base_tree(target))
    )
    tree = mirror.tree(head).oid
    environment = await deps.environments.prepare(target.id, described, tree)
    return PreparedHead(target, mirror, head, described, environment)
