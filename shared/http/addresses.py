"""Which addresses a URL that a user gives may lead to."""

import asyncio
import socket
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from shared.kernel.errors import Rejected

IpAddress = IPv4Address | IPv6Address
NAT64 = IPv6Network("64:ff9b::/96")
DEFAULT_PORTS = {"http": 80, "https": 443}
# Other protocols that may take an HTTP request for their own.
REFUSED_PORTS = frozenset({0, 19, 21, 22, 23, 25, 53, 110, 111, 135, 139, 143, 445, 465, 587, 993})
MAX_URL_CHARACTERS = 2048
RESOLVING_SECONDS = 5.0


class AddressRefused(Rejected):
    """A URL that is not called: it is no plain one, or leads to an address that may not be."""

    code = "address_refused"


@dataclass(frozen=True)
class Address:
    """The parts of a URL. `target` is its path and query as they were written."""

    scheme: str
    host: str
    port: int
    target: str


def read_url(url: str) -> Address:
    """Return the parts of an http or https URL, the rest of which is kept as it is written.

    Raises `AddressRefused` for another scheme, a user name, a refused port, or a character that
    has no place in a URL.
    """
    if len(url) > MAX_URL_CHARACTERS or not all("!" <= each <= "~" for each in url):
        raise AddressRefused(
            "A URL consists of at most 2,048 printable characters without spaces; others are "
            "percent-encoded."
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressRefused(f"This is no URL: {error}.") from None
    if parts.scheme not in DEFAULT_PORTS or not host:
        raise AddressRefused("Only http and https URLs with a host can be called.")
    if "@" in parts.netloc or "\\" in url:
        raise AddressRefused("A URL that is called has no user name and no backslash.")
    port = DEFAULT_PORTS[parts.scheme] if port is None else port
    if port in REFUSED_PORTS:
        raise AddressRefused(f"Port {port} belongs to another protocol.")
    return Address(parts.scheme, host.rstrip("."), port, _target(url))


def _target(url: str) -> str:
    """Return path and query of a URL, character by character as they were written."""
    rest = url.partition("//")[2].partition("#")[0]
    start = min((rest.index(each) for each in "/?" if each in rest), default=len(rest))
    target = rest[start:]
    return target if target.startswith("/") else f"/{target}"


def may_be_reached(host: str, address: IpAddress, private_hosts: Collection[str]) -> bool:
    """Return whether an address may be called as `host`: a public one, or one allowed by name."""
    allowed = {each.lower().strip("[]") for each in private_hosts}
    return host.lower() in allowed or is_public(address)


def is_public(address: IpAddress) -> bool:
    """Return whether an address is on the public internet, and no way to one that is not."""
    if isinstance(address, IPv6Address):
        inner = _inner(address)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _inner(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to by translation or a tunnel, if any."""
    if address in NAT64:
        return IPv4Address(address.packed[-4:])
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


async def check_url(url: str, private_hosts: Collection[str]) -> Address:
    """Return the parts of a URL whose every address may be reached; a name is resolved for it.

    Raises `AddressRefused`; a name that cannot be resolved now is left to the call.
    """
    place = read_url(url)
    for address in await _resolve(place):
        if not may_be_reached(place.host, address, private_hosts):
            raise refused(place.host, str(address))
    return place


def refused(host: str, address: str) -> AddressRefused:
    """Return the refusal of a host that leads to an address that is not public."""
    shown = address if address == host else f"{host} ({address})"
    return AddressRefused(
        f"{shown} is not an address on the public internet.",
        hint="GROUNDSWELL_PRIVATE_HOSTS has the names of private hosts that may be called.",
    )


async def _resolve(place: Address) -> list[IpAddress]:
    """Return the addresses of a host; none if its name cannot be resolved."""
    try:
        return [ip_address(place.host)]
    except ValueError:
        pass  # it is a name
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVING_SECONDS):
            found = await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return []
    return [ip_address(str(each[4][0]).partition("%")[0]) for each in found]
