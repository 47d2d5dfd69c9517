"""Reading error responses of a forge: the message, whether to try again, and when."""

import json
from email.utils import parsedate_to_datetime

import httpx

from shared.kernel.json_data import read_json

# Seconds to wait if the server does not say: GitHub asks for a minute after a rate limit.
RATE_LIMIT_DELAY_SECONDS = 60.0
SERVER_ERROR_DELAY_SECONDS = 10.0
MAX_DELAY_SECONDS = 86_400.0


def error_message(response: httpx.Response) -> str:
    """Return the message of an error response in JSON; empty if there is none."""
    try:
        body = read_json(response.content)
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    present = filter(None, map(body.get, ("message", "errors", "error")))
    parts = (each if isinstance(each, str) else json.dumps(each) for each in present)
    return " ".join("; ".join(parts).split())


def is_transient(response: httpx.Response) -> bool:
    """Return True if the same request may succeed later; GitHub uses 403 for rate limits too."""
    if response.status_code == httpx.codes.FORBIDDEN:
        limited = "retry-after" in response.headers or _rate_limit_reset(response) is not None
        return limited or "rate limit" in error_message(response)
    return response.is_server_error or response.status_code in {408, 429}


def retry_delay(response: httpx.Response) -> float:
    """Return the seconds to wait that the server asks for by its own clock, else a default.

    They are from 1 to `MAX_DELAY_SECONDS`.
    """
    requested = response.headers.get("retry-after", "")
    now = _timestamp(response.headers.get("date", ""))
    until = _timestamp(requested) or _rate_limit_reset(response)
    if requested.isdecimal():
        seconds = float(requested)
    elif now and until:
        seconds = until - now
    elif response.is_server_error:
        seconds = SERVER_ERROR_DELAY_SECONDS
    else:
        seconds = RATE_LIMIT_DELAY_SECONDS
    return min(max(seconds, 1.0), MAX_DELAY_SECONDS)


def _rate_limit_reset(response: httpx.Response) -> float | None:
    """Return when an exhausted rate limit is reset, in seconds since 1970.

    It is 0 if the server does not say when, and None if the limit is not exhausted.
    """
    for each in ("x-ratelimit", "ratelimit"):
        reset = response.headers.get(f"{each}-reset", "")
        if response.headers.get(f"{each}-remaining") == "0":
            return float(reset) if reset.isdecimal() else 0.0
    return None


def _timestamp(date: str) -> float | None:
    """Return the date of a header in seconds since 1970; None if it is not a date."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
