"""An HTTP client that reaches no private address unless that is allowed by name.

A name is resolved for each connection, its address is checked, and the connection is made to that
very address: a name that leads elsewhere a moment later changes nothing. No redirect is followed,
and no proxy or credential of the environment is used.
"""

import asyncio
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import httpx
from httpx_secure import SSRFProtectionError, httpx_ssrf_protection

from shared.http.addresses import AddressRefused, IpAddress, check_url, may_be_reached, refused

TIMEOUT_SECONDS = 15.0
MAX_ANSWER_BYTES = 64_000
MAX_SHOWN_CHARACTERS = 500


@dataclass(frozen=True)
class Answer:
    """What came of a call: its status (0 without an answer), or the error that prevented one.

    `text` is the beginning of the answer, `retry_after` what its header says, in seconds.
    """

    status: int = 0
    text: str = ""
    error: str = ""
    retry_after: float | None = None
    seconds: float = 0.0


def protected_client(
    private_hosts: Collection[str], *, timeout: float = TIMEOUT_SECONDS
) -> httpx.AsyncClient:
    """Return a client whose connections lead to public addresses, or to hosts allowed by name.

    A request elsewhere raises `SSRFProtectionError`.
    """

    def admit(host: str, address: IpAddress, _port: int) -> bool:
        """Return whether a connection to an address may be made."""
        return may_be_reached(host, address, private_hosts)

    client = httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=timeout)
    return httpx_ssrf_protection(
        client, check_globally_reachable=False, custom_validator=admit, dns_cache_ttl=0
    )


class ProtectedPoster:
    """Posts to URLs that users gave. `private_hosts` may be called although they are private."""

    def __init__(
        self, private_hosts: Collection[str] = (), *, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        self._private_hosts = frozenset(private_hosts)
        self._timeout = timeout

    async def check(self, url: str) -> None:
        """Raise `AddressRefused` for a URL that may not be called."""
        await check_url(url, self._private_hosts)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post `body` to a URL, character by character as it is; return what came of it."""
        began = time.monotonic()
        try:
            place = await check_url(url, self._private_hosts)
            async with protected_client(self._private_hosts, timeout=self._timeout) as client:
                request = client.build_request(
                    "POST",
                    url,
                    content=body,
                    headers=dict(headers),
                    # Without it httpx would normalize the path and the query.
                    extensions={
                        "target": place.target.encode(),
                        "timeout": httpx.Timeout(self._timeout).as_dict(),
                    },
                )
                async with asyncio.timeout(self._timeout):
                    answer = await self._send(client, request)
        except (AddressRefused, SSRFProtectionError) as error:
            answer = Answer(error=_refusal(error))
        except (TimeoutError, httpx.TimeoutException):
            answer = Answer(error=f"No whole answer came within {self._timeout:g} s.")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            answer = Answer(error=f"{type(error).__name__}: {error}"[:MAX_SHOWN_CHARACTERS])
        return _timed(answer, time.monotonic() - began)

    async def _send(self, client: httpx.AsyncClient, request: httpx.Request) -> Answer:
        """Send a request, and read no more of the answer than is kept."""
        response = await client.send(request, stream=True)
        try:
            text = b""
            async for chunk in response.aiter_raw():
                text += chunk
                if len(text) > MAX_ANSWER_BYTES:
                    break
        finally:
            await response.aclose()
        return Answer(
            status=response.status_code,
            text=text.decode(errors="replace")[:MAX_SHOWN_CHARACTERS],
            retry_after=_seconds(response.headers.get("retry-after", "")),
        )


def _refusal(error: AddressRefused | SSRFProtectionError) -> str:
    """Return why an address was not called."""
    if isinstance(error, SSRFProtectionError):
        return str(refused(error.hostname, str(error.ip_addr)))
    return str(error)


def _seconds(header: str) -> float | None:
    """Return the seconds that a Retry-After header names; None for a date or nonsense."""
    return float(header) if header.isascii() and header.isdigit() and len(header) < 7 else None  # noqa: PLR2004


def _timed(answer: Answer, seconds: float) -> Answer:
    """Return the answer with how long it took."""
    return Answer(answer.status, answer.text, answer.error, answer.retry_after, round(seconds, 3))
