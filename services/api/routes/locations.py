"""Where the client of an accepted request finds what becomes of it."""

from fastapi import Response

from shared.contracts.http import API_PREFIX


def locate(response: Response, path: str) -> None:
    """Set the `Location` of an answer to a path of the API."""
    response.headers["Location"] = f"{API_PREFIX}{path}"
