"""Real servers for tests that want them: started once per worker, on free ports, ended with it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

# The tests of each share a stack or a wave, which would be made by every worker that runs any.
SHARED_MODULES = frozenset(
    {
        "test_backtest",
        "test_bad_input",
        "test_commands",
        "test_conditions",
        "test_doors",
        "test_example",
        "test_kill",
        "test_nats_accounts",
        "test_outside_agent_type",
        "test_second_user",
    }
)
BIN = Path(sys.executable).parent

# Property tests fail for what they find. How long it took says how busy the machine is.
settings.register_profile(
    "however busy", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("however busy")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(argv: list[str], port: int, log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(argv, stdout=out, stderr=out, start_new_session=True)
    try:
        for _ in range(200):
            if process.poll() is not None:
                raise RuntimeError(f"{argv[0]} ended: {log.read_text()[-2000:]}")
            try:
                socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
            except OSError:
                time.sleep(0.05)
            else:
                break
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def nats_server(home: Path) -> Iterator[str]:
    port = free_port()
    argv = [str(BIN / "nats-server"), "-js", "-sd", str(home), "-a", "127.0.0.1", "-p", str(port)]
    with running(argv, port, home / "log"):
        yield f"nats://127.0.0.1:{port}"
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with nats_server(tmp_path_factory.mktemp("nats")) as url:
        yield url


@pytest.fixture
def own_nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a server that no other test has touched or will touch."""
    with nats_server(tmp_path_factory.mktemp("nats")) as url:
        yield url


@pytest.fixture(scope="session")
def mongo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home, port = tmp_path_factory.mktemp("mongo"), free_port()
    argv = [str(BIN / "secantusd-py"), "--host", "127.0.0.1", "--port", str(port)]
    argv += ["--storage-path", str(home / "data"), "--cache-size", "64M"]
    with running(argv, port, home / "log"):
        yield f"mongodb://127.0.0.1:{port}"
    shutil.rmtree(home, ignore_errors=True)


class SharingScheduler(LoadScopeScheduling):
    """Gives each test to a worker that is free, and all tests of a shared module to the same."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return module if Path(module).stem in SHARED_MODULES else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharingScheduler:
    return SharingScheduler(config, log)
