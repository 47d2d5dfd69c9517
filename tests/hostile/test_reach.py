"""Reaching out of the sandbox: files, processes, networks, kernel."""

# ruff: noqa: ASYNC240  (a test may block the loop it has to itself)

import os
import re
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.hostile.conftest import Attacker
from tests.support.sandboxes import is_root

READ = """
    import sys
    try:
        print(open(sys.argv[1]).read())
    except OSError as error:
        print(type(error).__name__)
"""
ENVIRONMENTS = """
    import glob, sys
    for path in glob.glob("/proc/*/environ"):
        try:
            if sys.argv[1].encode() in open(path, "rb").read():
                print("found it")
        except OSError:
            pass
"""
CONNECT = """
    import socket, sys
    family, address = sys.argv[1:3]
    address = ("127.0.0.1", int(address)) if family == "AF_INET" else address.replace("@", chr(0))
    try:
        s = socket.socket(getattr(socket, family))
        s.settimeout(1)
        s.connect(address)
        print("connected")
    except OSError as error:
        print("refused:", error)
"""
CALL = """
    import ctypes, os, sys
    libc = ctypes.CDLL(None, use_errno=True)
    number = getattr(libc, sys.argv[1])(*map(int, sys.argv[2:-1]))
    print("done" if number == 0 else os.strerror(ctypes.get_errno()))
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def bystander() -> Iterator["subprocess.Popen[bytes]"]:
    """Another process of this user, with a secret in its environment."""
    with subprocess.Popen(["sleep", "60"], env={"SECRET": "hunter2-bystander"}) as process:
        yield process
        process.kill()


@pytest.mark.parametrize(
    "path", ["canary", "/etc/passwd", "/etc/hostname", "/etc/machine-id", "/root/.bashrc", __file__]
)
async def test_the_host_s_files_are_not_there(attacker: Attacker, path: str):
    place = attacker.canary if path == "canary" else Path(path)
    if not os.access(place, os.R_OK):
        pytest.skip(f"{place} is not on this machine, or not even ours to read")
    completed = await attacker.run(READ, place)
    content = place.read_text()
    assert content.strip() == "" or content.strip() not in completed.output


async def test_the_host_s_files_cannot_be_written(attacker: Attacker):
    code = "import sys; open(sys.argv[1], 'w').write('dead')"
    await attacker.run(code, attacker.canary)
    assert attacker.canary.read_text() == "alive"


async def test_the_environment_of_others_cannot_be_read(
    attacker: Attacker, bystander: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
):
    assert bystander.poll() is None
    for secret in ("hunter2-bystander", os.environ["PATH"] + ":"):
        completed = await attacker.run(ENVIRONMENTS, secret)
        assert "found it" not in completed.output


async def test_the_validator_s_secrets_are_not_inherited(
    attacker: Attacker, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-hunter2")
    completed = await attacker.run(
        "import os; print(dict(os.environ)); print(open('/proc/self/environ').read())"
    )
    assert "hunter2" not in completed.output


async def test_loopback_servers_of_the_host_cannot_be_reached(
    attacker: Attacker, listener: socket.socket
):
    completed = await attacker.run(CONNECT, "AF_INET", listener.getsockname()[1])
    assert "refused" in completed.output


async def test_abstract_sockets_of_the_host_cannot_be_reached(attacker: Attacker):
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind("\0" + attacker.mark)
        server.listen()
        completed = await attacker.run(CONNECT, "AF_UNIX", "@" + attacker.mark)
    assert "refused" in completed.output


async def test_sockets_in_the_host_s_file_system_cannot_be_reached(attacker: Attacker):
    with tempfile.TemporaryDirectory() as folder, closing(socket.socket(socket.AF_UNIX)) as server:
        Path(folder).chmod(0o755)
        server.bind(f"{folder}/s")
        server.listen()
        Path(folder, "s").chmod(0o777)
        completed = await attacker.run(CONNECT, "AF_UNIX", f"{folder}/s")
    assert "refused" in completed.output


async def test_names_are_not_resolved(attacker: Attacker):
    code = """
        import socket
        try:
            print("resolved", socket.getaddrinfo("example.com", 80))
        except OSError as error:
            print("refused", error)
    """
    completed = await attacker.run(code)
    assert "refused" in completed.output


async def test_datagrams_do_not_leave(attacker: Attacker):
    code = """
        import socket, sys
        try:
            socket.socket(type=socket.SOCK_DGRAM).sendto(b"out", ("127.0.0.1", int(sys.argv[1])))
        except OSError as error:
            print(error)
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.3)
        await attacker.run(code, server.getsockname()[1])
        with pytest.raises(TimeoutError):
            server.recv(10)


async def test_the_hypervisor_cannot_be_spoken_to(attacker: Attacker):
    code = """
        import socket
        try:
            socket.socket(40, socket.SOCK_STREAM)
            print("opened")
        except OSError as error:
            print("refused", error)
    """
    completed = await attacker.run(code)
    assert "refused" in completed.output


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("unshare", (0x10000000,)),
        ("unshare", (0x00020000,)),
        ("mount", (0, 0, 0, 0x1000, 0)),
        ("umount2", (0, 0)),
        ("setns", (0, 0)),
        ("pivot_root", (0, 0)),
        ("sethostname", (0, 0)),
    ],
)
async def test_the_kernel_s_privileged_calls_are_refused(
    attacker: Attacker, call: str, arguments: tuple[int, ...]
):
    completed = await attacker.run(CALL, call, *arguments)
    assert "Operation not permitted" in completed.output or "not implemented" in completed.output


async def test_other_processes_cannot_be_traced_or_signalled(
    attacker: Attacker, bystander: "subprocess.Popen[bytes]"
):
    code = """
        import ctypes, os, sys
        pid = int(sys.argv[1])
        print("traced" if ctypes.CDLL(None).ptrace(16, pid, 0, 0) == 0 else "no")
        try:
            os.kill(pid, 9)
            print("signalled")
        except OSError:
            pass
    """
    completed = await attacker.run(code, bystander.pid)
    assert completed.output.split() == ["no"]
    assert bystander.poll() is None


@pytest.mark.parametrize("call", ["pidfd_getfd", "ptrace"])
async def test_not_even_its_own_processes_can_be_robbed_or_traced(attacker: Attacker, call: str):
    """So the exit status of a test run was forged: by the pipe of the process that reports it."""
    code = """
        import ctypes, os, platform, sys, time
        libc = ctypes.CDLL(None, use_errno=True)
        child = os.fork()
        if child == 0:
            time.sleep(20)
            os._exit(0)
        if sys.argv[1] == "ptrace":
            found = libc.ptrace(16, child, 0, 0)
        else:
            found = libc.syscall(438, os.pidfd_open(child), 1, 0)
        print("done" if found >= 0 else os.strerror(ctypes.get_errno()))
        os.kill(child, 9)
    """
    completed = await attacker.run(code, call)
    assert "Operation not permitted" in completed.output, completed.output


async def test_its_keepers_cannot_be_killed(attacker: Attacker):
    """All that it can see, and all there is: it ends itself at most."""
    code = """
        import os, signal
        for pid in (os.getppid(), *range(2, 5000)):
            if pid != os.getpid():
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
        print("alive")
    """
    completed = await attacker.run(code)
    assert completed.output == "alive\n" or completed.abort_reason or completed.exit_code


async def test_kernel_settings_cannot_be_written(attacker: Attacker):
    code = (
        '\nfor path in ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", '
        '"/sys/kernel/mm/ksm/run"):\n'
        "    try:\n"
        '        open(path, "r+")\n'
        '        print("opened", path)\n'
        "    except OSError:\n"
        "        pass\n"
    )
    completed = await attacker.run(code)
    assert completed.output == ""


async def test_git_metadata_is_not_there(attacker: Attacker):
    completed = await attacker.run("import os; print(os.path.exists('.git'), os.listdir('.'))")
    assert completed.output == "False []\n"


async def test_it_has_no_rights_that_its_user_has_not(attacker: Attacker):
    """Also where root started the stack."""
    completed = await attacker.run("""
        import os
        print("uid", os.getuid(), os.geteuid(), "groups", os.getgroups())
        print([line.split()[1] for line in open("/proc/self/status") if line.startswith("Cap")])
    """)
    said = completed.output
    assert "uid 0" not in said
    assert " 0 groups" not in said
    granted = {int(each, 16) for each in re.findall(r"'([0-9a-f]{16})'", said.replace(" ", ""))[:3]}
    assert granted == {0}, said
    if is_root():
        assert "uid 60578" in said or "uid 1000" in said, said
