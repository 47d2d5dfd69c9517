"""What a push names: the repository, the branch and its new head."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.contracts.documents.targets import Target

URL_FIELDS = ("clone_url", "ssh_url", "git_url", "html_url", "url", "git_http_url", "git_ssh_url")
BRANCH = "refs/heads/"
COMMIT = re.compile(r"[0-9a-f]{40}")
SCP_LIKE = re.compile(r"(?:[^@/]+@)?([^:/]+):(?!//)(.+)")
DELETED = "0" * 40


@dataclass(frozen=True)
class Push:
    """A push to a branch of a repository that goes by any of these locations."""

    locations: frozenset[str]
    branch: str
    commit: str


def read_push(body: Any) -> Push | None:
    """Return the push that a body tells of, as GitHub does; None if it tells of something else.

    `repository` is an object with URLs, or the location itself.
    """
    if not isinstance(body, Mapping):
        return None
    ref, commit, repository = body.get("ref"), body.get("after"), body.get("repository")
    if not isinstance(ref, str) or not ref.startswith(BRANCH):
        return None
    if not isinstance(commit, str) or not COMMIT.fullmatch(commit) or commit == DELETED:
        return None
    found = repository.values() if isinstance(repository, Mapping) else [repository]
    if isinstance(repository, Mapping):
        found = [repository.get(each) for each in URL_FIELDS]
    locations = frozenset(normal_location(each) for each in found if isinstance(each, str) and each)
    return Push(locations, ref.removeprefix(BRANCH), commit) if locations else None


def normal_location(location: str) -> str:
    """Return what the URLs of one repository have in common: host and path, without `.git`."""
    scheme, separator, rest = location.partition("://")
    if separator and scheme != "file":
        host, slash, path = rest.rpartition("@")[2].partition("/")
        return _named(host.partition(":")[0], path) if slash else location
    scp_like = SCP_LIKE.fullmatch(location)
    if not separator and scp_like and not location.startswith("/"):
        return _named(scp_like[1], scp_like[2])
    return (rest if separator else location).rstrip("/")


def _named(host: str, path: str) -> str:
    """Return host and path, which hosts of repositories take in any case."""
    return f"{host}/{path.strip('/').removesuffix('.git')}".lower()


def pushed_targets(push: Push, targets: Iterable[Target]) -> list[Target]:
    """Return the targets whose base branch was pushed to."""
    return [
        each
        for each in targets
        if each.base_branch == push.branch and normal_location(each.location) in push.locations
    ]
