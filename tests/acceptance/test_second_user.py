"""Another user of this machine beside a running stack: every way to it is closed to them."""

import asyncio
import json
import os
import shutil
import tempfile
import traceback
from pathlib import Path

import httpx
import nats
import pymongo
import pytest

from tests.support.stack import Home

STRANGER = 61234
pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a second user"),
]


@pytest.fixture(scope="module")
def up():
    """A stack in a home whose parents everybody may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        with Home(folder / "home").up() as home:
            yield home
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def as_stranger(action, *arguments):
    """Call a function in a process of a second user; return its result or its error's name."""
    outcome(action, *arguments)  # imports what it needs, which the second user may be unable to
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(STRANGER, STRANGER, STRANGER)
            os.setresuid(STRANGER, STRANGER, STRANGER)
            os.write(writing, json.dumps(outcome(action, *arguments)).encode())
        except BaseException:  # noqa: BLE001 - a forked process must not go on as a second pytest
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        told = answer.read()
    os.waitpid(child, 0)
    return json.loads(told)


def outcome(action, *arguments):
    try:
        return action(*arguments)
    except Exception as error:  # noqa: BLE001 - its name is what is compared
        return type(error).__name__


def names_in(place):
    return sorted(each.name for each in Path(place).iterdir())


def first_byte(place):
    with Path(place).open("rb") as file:
        return file.read(1).decode(errors="replace")


def hold(place):
    os.open(place, os.O_RDWR | os.O_CREAT)
    return "held"


def call(url, method, path):
    with httpx.Client(base_url=url, trust_env=False) as client:
        body = {"target": "/"} if method == "POST" else None
        return client.request(method, path, json=body).status_code


def publish(url, subject):
    async def try_it():
        client = await nats.connect(url, allow_reconnect=False, max_reconnect_attempts=0)
        await client.publish(subject, b"{}")
        await client.flush()
        await client.close()

    asyncio.run(try_it())
    return "published"


def subscribe(url):
    async def try_it():
        client = await nats.connect(url, allow_reconnect=False, max_reconnect_attempts=0)
        await client.subscribe(">")
        await client.flush()
        await client.close()

    asyncio.run(try_it())
    return "subscribed"


def query(url, command):
    with pymongo.MongoClient(url, serverSelectionTimeoutMS=5000) as client:
        return str(client.groundswell.command(command))[:100]


def test_the_home_is_closed(up):
    assert as_stranger(names_in, up.path.parent) == ["home"]
    assert as_stranger(names_in, up.path) == "PermissionError"
    for name in ("credentials.json", "stack.json", "identity", "logs", "mongo", "nats", "targets"):
        action = names_in if (up.path / name).is_dir() else first_byte
        assert as_stranger(action, up.path / name) == "PermissionError", name


def test_no_lock_can_be_held(up):
    for place in (up.path / "stack.lock", up.path / "slots" / "core-0", up.path / "slots" / "turn"):
        assert as_stranger(hold, place) == "PermissionError"


def test_the_api_does_not_answer_them(up):
    calls = [("GET", "status"), ("GET", "events"), ("POST", "waves"), ("GET", "waves")]
    assert [as_stranger(call, up.api, *each) for each in calls] == [401] * len(calls)


def test_nats_does_not_let_them_in(up):
    url = "nats://" + up.stack["nats_url"].rpartition("@")[2]
    for subject in ("gs.cmd.wave.start", "gs.proposal.cleared", "gs.evt.wave.started"):
        assert as_stranger(publish, url, subject) != "published"
    assert as_stranger(subscribe, url) != "subscribed"
    assert as_stranger(publish, url.replace("//", "//user:user@"), "gs.cmd.wave.start") in (
        "NoServersError",
        "Error",
        "AuthorizationError",
    )


@pytest.mark.parametrize(
    "command",
    [
        {"find": "enhancements"},
        {"insert": "enhancements", "documents": [{"_id": "forged"}]},
        {"createUser": "stranger", "pwd": "x", "roles": ["root"]},
        {"listCollections": 1},
        {"dropDatabase": 1},
    ],
    ids=lambda each: next(iter(each)),
)
def test_the_database_does_not_let_them_in(up, command):
    url = "mongodb://" + up.stack["mongo_url"].rpartition("@")[2].partition("/")[0]
    assert as_stranger(query, url, command) == "OperationFailure"
    assert not pymongo.MongoClient(up.stack["mongo_url"]).groundswell.enhancements.count_documents(
        {"_id": "forged"}
    )


def test_no_secret_is_in_what_everybody_can_see_of_a_process(up):
    credentials = json.loads((up.path / "credentials.json").read_text())
    secrets = [
        credentials["api_key"],
        credentials["mongo_password"],
        *credentials["nats_passwords"].values(),
    ]
    lines = [" ".join(each.cmdline()) for each in up.processes()]
    assert len(lines) >= 7
    assert not [each for each in secrets for line in lines if each in line]
    for each in up.processes():
        assert as_stranger(first_byte, f"/proc/{each.pid}/environ") == "PermissionError"


def test_the_log_tells_no_secret(up):
    credentials = (up.path / "credentials.json").read_text()
    logs = "".join(each.read_text() for each in (up.path / "logs").iterdir())
    assert not [each for each in credentials.split('"') if each.startswith("gs") and each in logs]


def test_a_home_that_belongs_to_somebody_else_is_not_used(tmp_path):
    place = tmp_path / "home"
    place.mkdir()
    os.chown(place, STRANGER, STRANGER)
    done = Home(place).run("status")
    assert done.returncode == 2
    assert "belongs to another user" in done.stderr
