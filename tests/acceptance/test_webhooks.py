"""A receiver and an n8n on a real stack: work is started, told, rolled back, and told again."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest
from standardwebhooks.webhooks import Webhook as Signer

from tests.support.repositories import a_repository
from tests.support.stack import Home, wait_for

CODE = "import os\n\n\ndef one():\n    return 1\n"
TESTS = "import m\n\n\ndef test_one():\n    assert m.one() == 1\n"


@contextmanager
def a_receiver() -> Iterator[tuple[str, list]]:
    """Yield the address of a server, and what is posted to it: (path, headers, body)."""
    got = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    allowed = {"GROUNDSWELL_PRIVATE_HOSTS": "127.0.0.1"}
    with Home(tmp_path_factory.mktemp("home"), more=allowed).up() as up:
        yield up


def of_path(got, path):
    return [json.loads(body) for each, _, body in got if each == path]


def test_an_automation_starts_a_wave_is_told_and_has_a_change_rolled_back(home, tmp_path):
    target = a_repository(tmp_path / "target", m_py=CODE, tests__test_m_py=TESTS)
    resume = "/webhook-waiting/12?signature=a%2Bb&x=[1]"
    with a_receiver() as (url, got), httpx.Client(timeout=60, headers=home.key) as n8n:
        made = home.json("webhook", "create", f"{url}/events", "--events", "enhancement.*,target.*")
        root = home.stack["api_url"]
        sent = {"target": str(target), "callback_url": f"{url}{resume}", "execution_id": 12}
        started = [n8n.post(f"{root}/webhooks/n8n/agent/deploy", json=sent) for _ in range(2)]
        assert [each.status_code for each in started] == [202, 202]
        wave = started[0].json()["wave_id"]
        assert started[1].json()["wave_id"] == wave
        wait_for(lambda: of_path(got, resume))
        [told] = of_path(got, resume)
        assert (told["wave_id"], told["state"]) == (wave, "completed")
        [landed] = [each for each in told["changes"] if each["state"] == "applied"]

        sent = {
            "enhancement_id": landed["id"],
            "action": "rollback",
            "callback_url": f"{url}/rolled-back",
        }
        assert n8n.post(f"{root}/api/validate", data=sent).status_code == 202
        wait_for(lambda: of_path(got, "/rolled-back"))
        assert of_path(got, "/rolled-back")[0]["state"] == "rolled_back"

        wait_for(lambda: len(of_path(got, "/events")) >= 4)
        topics = [each["type"] for each in of_path(got, "/events")]
        assert topics == [
            f"enhancement.{each}" for each in ("proposed", "cleared", "applied", "rolled_back")
        ]
        _, headers, body = next(each for each in got if each[0] == "/events")
        Signer(made["secret"]).verify(body, headers)

        sender = home.json("webhook", "sender", "--kind", "github")
        push = {
            "ref": "refs/heads/main",
            "after": landed["commit"],
            "repository": {"clone_url": f"file://{target}"},
        }
        content = json.dumps(push).encode()
        digest = hmac.new(sender["secret"].encode(), content, hashlib.sha256).hexdigest()
        answer = httpx.post(
            f"{root}/webhooks/in/{sender['webhook']['id']}",
            content=content,
            headers={"x-hub-signature-256": f"sha256={digest}", "x-github-delivery": "1"},
        )
        assert (answer.status_code, len(answer.json()["targets"])) == (202, 1), answer.text
        wait_for(lambda: of_path(got, "/events")[-1]["type"] == "target.pushed")

        [tested] = home.json("webhook", "test", made["webhook"]["id"])
        assert (tested["state"], tested["attempts"][0]["status"]) == ("delivered", 204)
        listed = home.run("webhook", "deliveries")
        assert "target.pushed" in listed.stdout
        assert made["secret"] not in home.run("webhook", "list").stdout


def test_a_private_address_is_refused_on_the_command_line(home):
    refused = home.run("webhook", "create", "http://169.254.169.254/latest")
    assert refused.returncode == 2
    assert "not an address on the public internet" in refused.stdout + refused.stderr
