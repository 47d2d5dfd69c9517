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
    """A target at the commit `head`, with all that is needed to run its tests there."""

    target: Target
    mirror: Mirror
    head: str
    profile: TargetProfile
    environment: Environment

    @property
    def tree(self) -> str:
        """The object id of the head's tree."""
        return self.mirror.tree(self.head).oid

    @cached_property
    def protected_files_digest(self) -> str:
        """A digest of the head's tests and of all other files that decide about a change."""
        return self.mirror.tree(self.head).digest(lambda p: is_protected(p, self.profile.config))


async def prepare_head(deps: ValidatorDeps, target: Target, head: str) -> PreparedHead:
    """Read the target at the commit `head` and prepare the environment of its tests.

    Raises what reading the profile or preparing the environment raises.
    """
    mirror = deps.mirror(target)
    profile = await asyncio.to_thread(
        lambda: profile_target(mirror.tree(head), mirror.base_tree(target))
    )
    tree_oid = mirror.tree(head).oid
    environment = await deps.environments.prepare(target.id, profile, tree_oid)
    return PreparedHead(target, mirror, head, profile, environment)
