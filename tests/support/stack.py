"""Groundswell through its own command line, in a home of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil

from deploy.credentials import load_credentials
from deploy.programs import nats_url_as
from shared.contracts.http import API_PREFIX
from tests.support.forked import ForkedCommand, run_forked

GROUNDSWELL = (sys.executable, "-m", "cli")
ROOT = Path(__file__).parent.parent.parent
# What a killed service was at is delivered again soon.
QUICK = {"GROUNDSWELL_ACK_WAIT_SECONDS": "3"}
KILLING_SECONDS = 300
STACK = ("services.", "nats-server", "secantusd")


def environment(home: Path) -> dict[str, str]:
    """Ours, without anything that says where another stack is."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GROUNDSWELL_", "GIT_"))}
    # A network that is not there must not be waited for.
    # Tests at once do not wait for each other's cores; their figures are nobody's.
    slots = str(home / "slots")
    ours = {"GROUNDSWELL_HOME": str(home), "GROUNDSWELL_SLOTS": slots, "NO_COLOR": "1"}
    # pyenv's shims are scripts that take half a second to say which Python they stand for.
    path = [each for each in kept["PATH"].split(os.pathsep) if not each.endswith("/shims")]
    return {**kept, **ours, "UV_NO_INDEX": "1", "PATH": os.pathsep.join(path)}


@dataclass(frozen=True)
class Home:
    """A home and what can be done in it, with more in its environment."""

    path: Path
    more: Mapping[str, str] = field(default_factory=dict)
    forked: bool = True  # else each command is a new Python, as it is for users

    @property
    def environment(self) -> dict[str, str]:
        return {**environment(self.path), **self.more}

    def run(self, *arguments: str, timeout: float = 360) -> subprocess.CompletedProcess[str]:
        if self.forked:
            return run_forked(arguments, ROOT, self.environment, timeout)
        return subprocess.run(
            [*GROUNDSWELL, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(self, *arguments: str) -> "ForkedCommand | subprocess.Popen[str]":
        if self.forked:
            return ForkedCommand(arguments, ROOT, self.environment, session=True)
        return subprocess.Popen(
            [*GROUNDSWELL, *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def processes(self) -> list[psutil.Process]:
        """Return the processes of this home, which have it in their environment or arguments."""
        found = []
        for each in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                line = " ".join(each.cmdline())
                mine = str(self.path) in line or each.environ().get("GROUNDSWELL_HOME") == str(
                    self.path
                )
                if mine and any(name in line for name in STACK) and each.status() != "zombie":
                    found.append(each)
        return found

    def service(self, name: str) -> psutil.Process:
        """Return a service's process, once it is there; it may have been killed just now."""
        wait_for(lambda: list(self._named(name)))
        return next(self._named(name))

    def _named(self, name: str) -> Iterator[psutil.Process]:
        for each in self.processes():
            with contextlib.suppress(psutil.Error):
                line = " ".join(each.cmdline())
                if (
                    f"services.{name}" in line.split()
                    or f"/{name}" in line
                    or f"deploy.{name.removesuffix('-py')} " in line
                ):
                    yield each

    @property
    def key(self) -> dict[str, str]:
        """The headers of a request to the API."""
        return {"Authorization": f"Bearer {self.stack['api_key']}"}

    @property
    def api(self) -> str:
        """Where the resources of the API are."""
        return f"{self.stack['api_url']}{API_PREFIX}"

    def nats_url(self, user: str) -> str:
        """The address of the embedded server with what one of its users logs in with."""
        return nats_url_as(user, self.stack["nats_url"], load_credentials(self.path))

    @property
    def stack(self) -> dict[str, Any]:
        return json.loads((self.path / "stack.json").read_text())

    @contextlib.contextmanager
    def up(self) -> Iterator["Home"]:
        process = self.start("up", "--port", "0")
        try:
            wait_for(lambda: (self.path / "stack.json").exists() or process.poll() is not None)
            assert process.poll() is None, process.communicate()
            yield self
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.communicate(timeout=30)
            finally:
                process.kill()


class Moment(NamedTuple):
    """The `nth` publication of an event, at which a service is killed."""

    service: str
    event: str
    nth: int


@contextlib.contextmanager
def killing(home: Home, moments: Sequence[Moment]) -> Iterator[None]:
    """Kill services (kill -9) while the block runs; each of the moments has come when it ends."""
    with ThreadPoolExecutor(1) as pool:
        killed = pool.submit(_kill_at, home, moments)
        yield
        killed.result(30)


def _kill_at(home: Home, moments: Sequence[Moment]) -> None:
    """Follow the events that the API streams, also after it was killed itself."""
    left, seen, last = set(moments), Counter[str](), 0
    deadline = time.monotonic() + KILLING_SECONDS
    while left:
        assert time.monotonic() < deadline, f"never came: {left}"
        url = f"{home.api}/events?after={last}"
        with contextlib.suppress(httpx.HTTPError), httpx.stream("GET", url, headers=home.key) as on:
            for line in on.iter_lines():
                if line.startswith("id: "):
                    last = int(line[4:])
                elif line.startswith("data: "):
                    event = json.loads(line[6:])["type"]
                    seen[event] += 1
                    now = {each for each in left if each[1:] == (event, seen[event])}
                    for each in now:
                        os.kill(home.service(each.service).pid, signal.SIGKILL)
                    left -= now
                if not left:
                    return
        time.sleep(0.1)


def wait_for(happened: Any, *, patience: float = 60) -> None:
    deadline = time.monotonic() + patience
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
