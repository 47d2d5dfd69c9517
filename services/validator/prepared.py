"""A target at one commit, with the environment its tests run in."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

import pygit2

from services.validator.deps import ValidatorDeps
from services.validator.git.domain.commits import ENHANCEMENT_TRAILER
from shared.behaviour import RepositoryNames
from shared.contracts.documents.targets import Target
from shared.environments.ports import Environment
from shared.targets.mirror import Mirror
from shared.targets.paths import is_protected
from shared.targets.profile import TargetProfile, profile_target
from shared.targets.project_version import (
    UNTAGGED_VERSION,
    takes_version_from_tags,
    version_of_tag,
)
from shared.targets.tree import Tree


@dataclass(frozen=True)
class PreparedHead:
    """A target at the commit `head`, with all that is needed to run its tests there.

    `basis` is a digest of its unadjusted environment and test command: see `SuiteAdjustment`.
    """

    target: Target
    mirror: Mirror
    head: str
    profile: TargetProfile
    environment: Environment
    basis: str = ""

    @property
    def tree(self) -> str:
        """The object id of the head's tree."""
        return self.mirror.tree(self.head).oid

    @cached_property
    def names(self) -> RepositoryNames:
        """The names that the head's files take from each other, read once they are asked for."""
        return RepositoryNames(self.mirror.tree(self.head))

    @cached_property
    def protected_files_digest(self) -> str:
        """A digest of the head's tests and of all other files that decide about a change."""
        return self.mirror.tree(self.head).digest(lambda p: is_protected(p, self.profile.config))

    def changed_protected_files(self, tree: str) -> tuple[str, ...]:
        """Return the protected files in which a tree differs from the head's, sorted; blocks."""
        changed = self.mirror.changed_paths(self.tree, tree)
        return tuple(each for each in changed if is_protected(each, self.profile.config))


async def prepare_head(
    deps: ValidatorDeps, target: Target, head: str, namespace: str = ""
) -> PreparedHead:
    """Read the target at the commit `head` and prepare the environment of its tests.

    The environment is one of that `namespace`: see `EnvironmentPlan`. Raises what reading the
    profile or preparing the environment raises.
    """
    mirror = deps.mirror(target)
    profile, basis = await asyncio.to_thread(_profile, mirror, target, head, namespace)
    tree_oid = mirror.tree(head).oid
    environment = await deps.environments.prepare(target.id, profile, tree_oid)
    return PreparedHead(target, mirror, head, profile, environment, basis)


async def refresh_prepared(deps: ValidatorDeps, prepared: PreparedHead) -> PreparedHead:
    """Return a prepared head with the target as it is stored now.

    Raises what `prepare_head` raises.
    """
    target = await deps.store.targets.require(prepared.target.id)
    if target.adjustment == prepared.target.adjustment:
        return replace(prepared, target=target)
    return await prepare_head(deps, target, prepared.head)


async def prepare_candidate(deps: ValidatorDeps, prepared: PreparedHead, tree: str) -> PreparedHead:
    """Return a prepared head with the profile and the environment of a tree made on it.

    Edits that were approved may change what the tests need and how they are run. Raises what
    `prepare_head` raises.
    """
    profile = await asyncio.to_thread(_candidate_profile, prepared, tree)
    environment = await deps.environments.prepare(prepared.target.id, profile, tree)
    return replace(prepared, profile=profile, environment=environment)


def _basis(profile: TargetProfile, tree: Tree) -> str:
    """Return a digest of a profile's environment at a tree and of its test command."""
    return profile.environment.key(tree, *profile.test.command)


def commit_time(mirror: Mirror, head: str) -> str:
    """Return the time of the last commit that is not one of ours, in ISO 8601 (UTC).

    So it stays the same while changes land.
    """
    commit = mirror.repository[head].peel(pygit2.Commit)
    while ENHANCEMENT_TRAILER in commit.message and commit.parents:
        commit = commit.parents[0]
    return datetime.fromtimestamp(commit.commit_time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _profile(
    mirror: Mirror, target: Target, head: str, namespace: str
) -> tuple[TargetProfile, str]:
    """Return the profile at a commit, with its adjustment, its date and the version of its tag.

    With it comes its basis, by which an adjustment is known to be for it.
    """
    tree = mirror.tree(head)
    profile = profile_target(tree, mirror.base_tree(target))
    basis = _basis(profile, tree)
    test, known = profile.test, target.adjustment
    as_of = profile.config.environment.as_of
    plan: dict[str, str] = {"namespace": namespace, "as_of": _date(as_of, mirror, head)}
    if known is not None and known.basis == basis:
        plan["as_of"] = known.as_of or plan["as_of"]
        if known.command:
            changes = {"command": known.command, "framework": known.framework}
            test = test.model_copy(update=changes)
    if not profile.environment.needs_node and takes_version_from_tags(tree):
        tag = mirror.nearest_tag(target.location, head, lambda name: bool(version_of_tag(name)))
        plan["version"] = version_of_tag(tag) or UNTAGGED_VERSION
    environment = profile.environment.model_copy(update=plan)
    return profile.model_copy(update={"test": test, "environment": environment}), basis


def _candidate_profile(prepared: PreparedHead, tree: str) -> TargetProfile:
    """Return the profile of a tree made on a head, adjusted, dated and versioned as the head's."""
    mirror, target, on_head = prepared.mirror, prepared.target, prepared.profile
    profile = profile_target(mirror.tree(tree), mirror.base_tree(target))
    kept = on_head.environment.model_dump(include={"namespace", "as_of", "version"})
    environment, test = profile.environment.model_copy(update=kept), profile.test
    if target.adjustment is not None and target.adjustment.command == on_head.test.command:
        changes = {"command": on_head.test.command, "framework": on_head.test.framework}
        test = test.model_copy(update=changes)
    return profile.model_copy(update={"test": test, "environment": environment})


def _date(as_of: str, mirror: Mirror, head: str) -> str:
    """Return the time that `[environment] as_of` stands for; empty for none."""
    if as_of == "commit":
        return commit_time(mirror, head)
    return "" if as_of == "latest" else as_of
