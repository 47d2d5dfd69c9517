"""Infinite mode through the command line and the bus, over the death of its coordinator."""

import asyncio
import json
import os
import signal

import nats

from tests.support.repositories import a_repository
from tests.support.stack import wait_for

CODE = 'def one() -> int:\n    """Return one."""\n    return 1\n'


async def ask(home, subject: str, body: dict) -> dict:
    client = await nats.connect(home.nats_url("user"), inbox_prefix="_INBOX")
    try:
        reply = await client.request(subject, json.dumps(body).encode(), timeout=30)
        return json.loads(reply.data)["result"]
    finally:
        await client.close()


def status(home) -> dict:
    [mode] = home.json("infinite", "status")["modes"]
    return mode


def test_it_runs_says_why_it_is_idle_survives_its_coordinator_and_stops_for_good(up, tmp_path):
    place = a_repository(tmp_path / "quiet", p__init___py=CODE)
    begun = up.json("infinite", "start", str(place), "--throttle", "2", "--interval", "3600")
    assert begun["modes"][0]["state"] == "running"
    wait_for(lambda: status(up)["idle_reason"])
    idle = status(up)
    assert "landed nothing" in idle["idle_reason"]
    assert idle["wakes_at"]
    os.kill(up.service("coordinator").pid, signal.SIGKILL)
    wait_for(lambda: up.run("infinite", "status").returncode == 0)
    assert status(up)["idle_reason"] == idle["idle_reason"]
    resumed = asyncio.run(ask(up, "gs.rpc.infinite.resume", {"target": str(place)}))
    assert resumed["modes"][0]["state"] == "running"
    wait_for(lambda: status(up)["waves"] == 2)
    stopped = up.json("infinite", "stop", str(place), "--reason", "enough")
    assert stopped["modes"][0]["state"] == "stopped"
    assert "enough" in stopped["modes"][0]["idle_reason"]
    assert up.json("wave", "list")[0]["state"] in {"stopped", "completed"}
