"""A set-up step has the network, so it finds the servers of a running stack: none lets it in."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import bson
import pytest

from deploy.credentials import load_credentials
from shared.environments.build import UvEnvironments
from shared.kernel.ids import uuid7
from shared.sandbox.scratch import Scratch
from tests.support.profiles import a_profile
from tests.support.sandboxes import a_home, a_sandbox, the_best
from tests.support.stack import Home
from tests.support.trees import FakeTree

OF_THE_HOME = ("credentials.json", "stack.json", "identity", "logs/api.log")
# It speaks to each server as a client without a password would, and looks for passwords.
KNOCK = """
import glob, json, os, pathlib, socket, struct, sys, urllib.error, urllib.request

home, *names = sys.argv[1:]
QUERY = bytes.fromhex(pathlib.Path("query.hex").read_text())

def ports():
    rows = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    return {int(row.split()[1].split(":")[1], 16) for row in rows if row.split()[3] == "0A"}

def talk(port, said):
    told = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as link:
            link.sendall(said)
            while chunk := link.recv(65536):
                told += chunk
    except OSError as error:
        told = told or type(error).__name__.encode()
    return told.hex()

def nats(port):
    start = b"PUB gs.cmd.wave.start 2\\r\\n{}\\r\\n"
    return talk(port, b'CONNECT {"verbose":true}\\r\\n' + start + b"SUB > 1\\r\\nPING\\r\\n")

def mongo(port):
    body = struct.pack("<IB", 0, 0) + QUERY
    return talk(port, struct.pack("<iiii", 16 + len(body), 1, 0, 2013) + body)

def api(port, method, path):
    body = b'{"target": "/"}' if method == "POST" else None
    headers = {"Content-Type": "application/json"}
    url = "http://127.0.0.1:%d/api/v1/%s" % (port, path)
    asked = urllib.request.Request(url, body, headers, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(asked, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except Exception as error:
        return type(error).__name__

def read(place):
    try:
        return pathlib.Path(place).read_bytes().hex()
    except OSError:
        return ""

calls = [("GET", "status"), ("GET", "waves"), ("GET", "events"), ("POST", "waves")]
known = json.loads(pathlib.Path("ports.json").read_text())
found = {
    "ports": sorted(ports()),
    "nats": nats(known["nats"]),
    "mongo": mongo(known["mongo"]),
    "api": [api(known["api"], *each) for each in calls],
    "files": [each for each in names if read(os.path.join(home, each))],
    "variables": "".join(map(read, glob.glob("/proc/[0-9]*/environ"))),
}
(pathlib.Path(os.environ["VIRTUAL_ENV"]) / "found.json").write_text(json.dumps(found))
"""


@pytest.fixture(scope="module")
def up() -> Iterator[Home]:
    """A stack in a home whose parents everybody may enter."""
    with a_home() as folder, Home(folder / "home").up() as home:
        yield home


async def set_up(up: Home, ports: dict[str, int]) -> dict[str, Any]:
    """What a set-up step that knocks at every door learns."""
    query = bson.encode({"find": "enhancements", "$db": "groundswell"})
    files = {"knock.py": KNOCK, "query.hex": query.hex(), "ports.json": json.dumps(ports)}
    step = f"python knock.py {up.path} {' '.join(OF_THE_HOME)}"
    with a_home() as home:
        scratch = Scratch(home / "work", uuid7)
        async with a_sandbox(the_best()) as sandbox:
            builder = UvEnvironments(home, sandbox, scratch, lambda *_: FakeTree(files))
            made = await builder.prepare("target", a_profile(setup=(step,)), "tree")
        scratch.close()
        return json.loads((made.bin.parent / "found.json").read_text())


def secrets_of(up: Home) -> list[str]:
    known = load_credentials(up.path)
    return [known.api_key, known.mongo_password, *known.nats_passwords.values()]


async def test_a_set_up_step_finds_the_servers_and_none_lets_it_in(up, monkeypatch):
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    ports = {name: urlsplit(up.stack[f"{name}_url"]).port for name in ("nats", "mongo", "api")}
    found = await set_up(up, ports)
    assert set(ports.values()) <= set(found["ports"]), "it has the network, and so it finds them"
    told = bytes.fromhex(found["nats"])
    assert b"Authorization Violation" in told
    assert b"PONG" not in told
    assert b"+OK" not in told
    answer = bson.decode(bytes.fromhex(found["mongo"])[21:])
    assert (answer["ok"], answer.get("codeName")) == (0.0, "Unauthorized")
    assert found["api"] == [401] * 4
    assert found["files"] == []
    variables = bytes.fromhex(found["variables"]).decode(errors="replace")
    assert "VIRTUAL_ENV" in variables, "it can read some"
    assert not [each for each in secrets_of(up) if each in variables]
