"""The programs of a stack: how the servers and the five services are started."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.credentials import Credentials
from deploy.homes import HOST, Stack, free_ports
from deploy.processes import Process, ServiceProcess
from shared.kernel.errors import Rejected

SERVICES = ("coordinator", "agents", "resolver", "validator", "api")
NATS_CONFIG = Path(__file__).parent / "nats" / "embedded.conf"
NATS_VARIABLE, MONGO_VARIABLE = "GROUNDSWELL_NATS_URL", "GROUNDSWELL_MONGO_URL"
KEY_VARIABLE = "GROUNDSWELL_API_KEY"


def plan_stack(home: Path, api_port: int, credentials: Credentials) -> Stack:
    """Return the addresses of a stack to start, with servers and API key from the environment.

    What the environment does not name is new, on free ports; `api_port` 0 is any free port.
    """
    nats_port, mongo_port, free_port = free_ports(3)
    mongo = f"groundswell:{credentials.mongo_password}@{HOST}:{mongo_port}"
    return Stack(
        api_url=f"http://{HOST}:{api_port or free_port}",
        nats_url=os.environ.get(NATS_VARIABLE)
        or nats_url_as("user", f"nats://{HOST}:{nats_port}", credentials),
        mongo_url=os.environ.get(MONGO_VARIABLE) or f"mongodb://{mongo}/?authSource=admin",
        home=str(home),
        pid=os.getpid(),
        api_key=os.environ.get(KEY_VARIABLE) or credentials.api_key,
    )


def nats_url_as(user: str, url: str, credentials: Credentials) -> str:
    """Return the URL of the embedded NATS server for one of its users."""
    return f"nats://{user}:{credentials.nats_passwords[user]}@{url.rpartition('/')[2].rpartition('@')[2]}"


def stack_programs(stack: Stack, home: Path, credentials: Credentials) -> list[Process]:
    """Return the processes to run; servers only where the environment names none.

    Raises `Rejected` if such a server is not installed.
    """
    logs = home / "logs"
    found = []
    if not os.environ.get(NATS_VARIABLE):
        argv = [find_program("nats-server"), "-c", str(NATS_CONFIG), "-a", HOST]
        argv += ["-p", _port_of(stack.nats_url), "-sd", str(home / "nats")]
        variables = credentials.nats_variables()
        found.append(Process("nats-server", argv, logs / "nats-server.log", variables))
    if not os.environ.get(MONGO_VARIABLE):
        found.append(_mongo_program(stack, home, credentials))
    return [*found, *(_service_program(name, stack, logs, credentials) for name in SERVICES)]


def _mongo_program(stack: Stack, home: Path, credentials: Credentials) -> Process:
    """Return the process of the embedded database. Raises `Rejected` if it is not installed."""
    find_program("secantusd-py")
    port = _port_of(stack.mongo_url)
    argv = [sys.executable, "-m", "deploy.secantusd", "--host", HOST, "--port", port, "--auth"]
    argv += ["--storage-path", str(home / "mongo"), "--sync-on-commit", "--cache-size", "64M"]
    argv += ["--log-level", "WARNING"]
    variables = {"GROUNDSWELL_MONGO_PASSWORD": credentials.mongo_password}
    log = home / "logs" / "secantusd-py.log"
    return Process("secantusd-py", argv, log, variables, wake_port=int(port))


def service_variables(name: str, stack: Stack, credentials: Credentials) -> dict[str, str]:
    """Return a service's variables: its addresses and credentials; those of others are empty."""
    embedded = not os.environ.get(NATS_VARIABLE)
    found = {
        NATS_VARIABLE: nats_url_as(name, stack.nats_url, credentials)
        if embedded
        else stack.nats_url,
        MONGO_VARIABLE: stack.mongo_url,
        "GROUNDSWELL_HOME": stack.home,
        "GROUNDSWELL_PROVISION": "true",
        # What one service needs to know is not told to the others.
        KEY_VARIABLE: stack.api_key if name == "api" else "",
    }
    if name == "api":
        found |= {"GROUNDSWELL_API_HOST": HOST, "GROUNDSWELL_API_PORT": _port_of(stack.api_url)}
    if name != "validator":
        found |= {"GROUNDSWELL_FORGE_TOKEN": "", "GROUNDSWELL_N8N_API_KEY": ""}
    return found


def _service_program(name: str, stack: Stack, logs: Path, credentials: Credentials) -> Process:
    """Return the process of one of the services, with its environment and log."""
    title = ["groundswell", f"services.{name}", stack.home]
    variables: Mapping[str, str] = service_variables(name, stack, credentials)
    return ServiceProcess(name, title, logs / f"{name}.log", variables)


def _port_of(url: str) -> str:
    """Return the port of a URL that has one."""
    return url.partition("//")[2].partition("/")[0].rpartition(":")[2]


def find_program(name: str) -> str:
    """Return the path of a program of the `embedded` extra: next to our Python, else on PATH.

    Raises `Rejected`.
    """
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise Rejected(
            f"{name} is not installed.",
            hint="Install groundswell[embedded], or set GROUNDSWELL_NATS_URL and "
            "GROUNDSWELL_MONGO_URL.",
            code="not_installed",
        )
    return found
