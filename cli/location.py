"""Resolve an option or argument that names a repository to the location of it."""

from shared.targets.location import is_url
from shared.targets.repository import inspect_repository


def location_of(repository: str, base: str | None = None) -> str:
    """Return a URL as it is, and the absolute location of a path.

    A relative path means something in this shell only, not in the services. Raises what
    `inspect_repository` raises where there is no repository with the branch `base`.
    """
    return repository if is_url(repository) else inspect_repository(repository, base=base).location
