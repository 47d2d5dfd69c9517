"""What is left as a result is read back as data from a stranger."""

from dataclasses import replace

import pytest

from tests.hostile.conftest import TIGHT, Attacker

LEAVE = {
    "a link to a file of the host": "os.symlink('/etc/passwd', path)",
    "a link to a device": "os.symlink('/dev/zero', path)",
    "a FIFO": "os.mkfifo(path)",
    "a directory": "os.mkdir(path)",
    "a socket": "import socket; socket.socket(socket.AF_UNIX).bind(path)",
    "a sparse file larger than allowed": "open(path, 'wb').truncate(9 << 20)",
    "nothing": "pass",
}
DEVICE = """
import os, stat, sys
try:
    os.mknod(os.environ["GROUNDSWELL_SCRATCH"] + "/report", stat.S_IFBLK | 0o666, os.makedev(7, 0))
    print("made")
except OSError as error:
    print(error)
"""


@pytest.mark.parametrize("way", LEAVE.values(), ids=LEAVE.keys())
async def test_only_a_plain_file_of_fair_size_is_a_result(attacker: Attacker, way: str):
    code = f"import os\npath = os.environ['GROUNDSWELL_SCRATCH'] + '/report'\n{way}"
    limits = replace(TIGHT, report=8 << 20)
    completed = await attacker.run(code, reports=("report",), limits=limits)
    assert completed.exit_code == 0, completed.output
    assert completed.reports == {}


async def test_a_scratch_directory_that_was_swapped_is_not_followed(attacker: Attacker):
    code = """
        import os
        scratch = os.environ["GROUNDSWELL_SCRATCH"]
        os.makedirs("elsewhere/home")
        open("elsewhere/home/report", "w").write("forged")
        try:
            os.rename(scratch, scratch + ".old")
            os.symlink(os.path.abspath("elsewhere"), scratch)
        except OSError as error:
            print(error)
        try:
            os.rename(scratch + "/home", scratch + "/away")
            os.symlink(os.path.abspath("elsewhere/home"), scratch + "/home")
        except OSError as error:
            print(error)
    """
    completed = await attacker.run(code, reports=("home/report",))
    assert completed.reports == {}


async def test_devices_cannot_be_made(attacker: Attacker):
    completed = await attacker.run(DEVICE, reports=("report",))
    assert "made" not in completed.output
    assert completed.reports == {}
