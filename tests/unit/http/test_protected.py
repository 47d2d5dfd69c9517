"""What users name is called as it was written, and leads to no private address."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest

from shared.http.addresses import AddressRefused, check_url, read_url
from shared.http.protected import MAX_ANSWER_BYTES, ProtectedPoster

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@asynccontextmanager
async def a_receiver(answer=OK):
    """A server on the loopback; yields its port and the first lines of its requests."""
    lines = []

    async def receive(reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:  # the name was only tried
            writer.close()
            return
        lines.append(head.split(b"\r\n")[0].decode())
        if answer is not None:
            writer.write(answer)
        else:
            await asyncio.sleep(5)
        writer.close()

    server = await asyncio.start_server(receive, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], lines


def here(port, target="/hook"):
    return f"http://127.0.0.1:{port}{target}"


ALLOWED = ProtectedPoster(("127.0.0.1",))

PRIVATE = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://0x7f000001/",
    "http://2130706433/",
    "http://0.0.0.0/",
    "http://10.0.0.1/",
    "http://192.168.1.1:8080/x",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::]/",
    "http://[::1]/",
    "http://[fe80::1]/",
    "http://[fd00::1]/",
    "http://[ff02::1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:7f00:1::]/",
    "http://localhost/",
    "http://LOCALHOST./",
]


@pytest.mark.parametrize("url", PRIVATE)
async def test_a_private_address_is_refused_however_it_is_written(url):
    with pytest.raises(AddressRefused):
        await check_url(url, ())
    assert (
        "not an address on the public internet"
        in (await ProtectedPoster().post(url, b"{}", {})).error
    )


@pytest.mark.parametrize("url", ["http://93.184.215.14/", "https://[2606:4700::1111]:8443/a?b"])
async def test_a_public_address_is_not(url):
    await check_url(url, ())


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hook",
        "//host/x",
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "http://",
        "http:///x",
        "http://user@example.org/",
        "http://a:b@example.org/",
        "http://example.org\\@10.0.0.1/",
        "http://example.org:99999/",
        "http://example.org:22/",
        "http://[::1/",
        "http://example.org/a b",
        "http://example.org/a\r\nHost: x",
        "http://example.org/ä",
        "http://example.org/" + "x" * 3000,
    ],
)
def test_what_is_no_plain_url_is_refused(url):
    with pytest.raises(AddressRefused):
        read_url(url)


async def test_a_private_host_may_be_called_if_it_is_allowed_by_name():
    async with a_receiver() as (port, lines):
        assert (await ALLOWED.post(here(port), b"{}", {})).status == 200
        refused = await ALLOWED.post(f"http://localhost:{port}/hook", b"{}", {})
    assert "localhost" in refused.error
    assert lines == ["POST /hook HTTP/1.1"]


@pytest.mark.parametrize(
    "target",
    [
        "/webhook-waiting/12?signature=a%2Bb+c%3D%3d&x=[1]|{2}^`'~",
        "/a/../b//c/./%2e%2e/?q=1?2&&=",
        "/%7Euser;p=1,2@3:4!$*",
        "/?",
        "?signature=1",
    ],
)
async def test_a_url_is_called_character_by_character(target):
    async with a_receiver() as (port, lines):
        assert (await ALLOWED.post(here(port, target), b"{}", {})).status == 200
    sent = target if target.startswith("/") else f"/{target}"
    assert lines == [f"POST {sent} HTTP/1.1"]


async def test_a_name_that_leads_elsewhere_after_the_check_is_refused(monkeypatch):
    """DNS rebinding: public when it is checked, the loopback when it is connected to."""
    real, asked = socket.getaddrinfo, []

    def rebound(host, port, *args, **kwargs):
        name = host.decode() if isinstance(host, bytes) else host
        if name != "rebound.example":
            return real(host, port, *args, **kwargs)
        asked.append(name)
        address = "93.184.215.14" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    async with a_receiver() as (port, lines):
        answer = await ProtectedPoster().post(f"http://rebound.example:{port}/", b"{}", {})
    assert "rebound.example (127.0.0.1) is not an address on the public internet" in answer.error
    assert len(asked) == 2
    assert lines == []


async def test_no_redirect_is_followed():
    async with a_receiver() as (port, lines):
        moved = f"HTTP/1.1 302 Found\r\nlocation: {here(port)}\r\ncontent-length: 0\r\n\r\n"
        async with a_receiver(moved.encode()) as (first, _):
            answer = await ALLOWED.post(here(first), b"{}", {})
    assert (answer.status, lines) == (302, [])


async def test_what_goes_wrong_is_told():
    async with a_receiver(None) as (port, _):
        quick = ProtectedPoster(("127.0.0.1",), timeout=0.05)
        assert "within 0.05 s" in (await quick.post(here(port), b"{}", {})).error
    async with a_receiver(b"") as (port, _):
        assert (await ALLOWED.post(here(port), b"{}", {})).error
    assert (await ALLOWED.post(here(port), b"{}", {})).error
    async with a_receiver(b"HTTP/1.1 429 x\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n") as (
        port,
        _,
    ):
        assert (await ALLOWED.post(here(port), b"{}", {})).retry_after == 7


async def test_no_more_of_an_answer_is_read_than_is_kept():
    huge = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (4 * MAX_ANSWER_BYTES)
    async with a_receiver(huge) as (port, _):
        answer = await ALLOWED.post(here(port), b"{}", {})
    assert (answer.status, len(answer.text)) == (200, 500)
