"""Groundswell through its own command line, in a home of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

GROUNDSWELL = (sys.executable, "-m", "cli")
ROOT = Path(__file__).parent.parent.parent
# What a killed service was at is delivered again soon.
QUICK = {"GROUNDSWELL_ACK_WAIT_SECONDS": "3"}
STACK = ("services.", "nats-server", "secantusd-py")


def environment(home: Path) -> dict[str, str]:
    """Ours, without anything that says where another stack is."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GROUNDSWELL_", "GIT_"))}
    # A network that is not there must not be waited for.
    # Tests at once do not wait for each other's cores; their figures are nobody's.
    slots = str(home / "slots")
    return {**kept, "GROUNDSWELL_HOME": str(home), "GROUNDSWELL_SLOTS": slots, "NO_COLOR": "1"}


@dataclass(frozen=True)
class Home:
    """A home and what can be done in it, with more in its environment."""

    path: Path
    more: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, timeout: float = 180) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*GROUNDSWELL, *arguments],
            cwd=ROOT,
            env={**environment(self.path), **self.more},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*GROUNDSWELL, *arguments],
            cwd=ROOT,
            env={**environment(self.path), **self.more},
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
        return next(
            each
            for each in self.processes()
            if f"services.{name}" in " ".join(each.cmdline()).split()
            or f"/{name}" in " ".join(each.cmdline())
        )

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


def kill_after(home: Home, service: str, event: str, time: int) -> None:
    """Kill a service after an event was published `time` times, as the API streams it.

    The service may be the API itself.
    """
    seen = 0
    with httpx.stream("GET", f"{home.stack['api_url']}/events?after=0", timeout=120) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: ") and json.loads(line[6:])["type"] == event:
                seen += 1
                if seen == time:
                    os.kill(home.service(service).pid, signal.SIGKILL)
                    return


def wait_for(happened: Any, *, patience: float = 60) -> None:
    deadline = time.monotonic() + patience
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
