"""Locations of repositories: paths and urls."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from shared.kernel.errors import Rejected

OPTION_AS_HOST = re.compile(r"^(?:[a-z][a-z0-9+.-]*://)?(?:[^/@]*@)?-", re.IGNORECASE)
REMOTE_URL = re.compile(r"^(?:[a-z][a-z0-9+.-]*://|[\w.-]+@[\w.-]+:)", re.IGNORECASE)


def is_url(location: str) -> bool:
    """Return whether a location is a url, `file:` included, or `user@host:path`; not a path."""
    return bool(REMOTE_URL.match(location))


def is_on_this_machine(location: str) -> bool:
    """Return whether git reads and writes a location itself, without a server."""
    return not is_url(location) or location.lower().startswith("file://")


def local_path(location: str) -> Path:
    """Return the path of a location on this machine."""
    path = urlsplit(location).path if is_url(location) else location
    return Path(unquote(path) if is_url(location) else path)


def check_location(location: str) -> None:
    """Raise `Rejected` for a location that git, or ssh, would take for an option."""
    if location.startswith("-") or OPTION_AS_HOST.search(location):
        raise Rejected(
            f"{location!r} is not taken for the location of a repository: it has the form of an "
            "option.",
            hint="Write a path as ./-name; no host has a name that begins with a hyphen.",
            code="bad_location",
        )
