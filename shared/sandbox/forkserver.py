"""The fork server: forks a supervisor per command, in milliseconds as its modules are loaded.

Standard input is a Unix socket of packets. Each packet brings two descriptors: the supervisor's end
of its connection (see `supervisor`), and the command's output. The end of the socket means that the
process that started us is gone; supervisors notice the same by their own connections.
"""

import gc
import importlib
import os
import signal
import socket

from shared.sandbox import supervisor

MAX_PACKET_BYTES = 16
DESCRIPTORS_PER_PACKET = 2


def main(tier: str) -> None:
    """Serve requests for supervisors of one tier until the socket is closed."""
    channel = socket.socket(fileno=os.dup(0))
    # No exit status is collected: a supervisor reports over its connection how its command ended.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    importlib.import_module(f"shared.sandbox.tiers.{tier}").preload()
    gc.freeze()
    channel.send(b"ready")
    while True:
        packet, descriptors, _, _ = socket.recv_fds(
            channel, MAX_PACKET_BYTES, DESCRIPTORS_PER_PACKET
        )
        if not packet:
            return
        if os.fork() == 0:
            channel.close()
            _serve(*descriptors)
        for each in descriptors:
            os.close(each)


def _serve(control: int, output: int) -> None:
    """Supervise one command in this forked process, and exit."""
    try:
        supervisor.supervise(socket.socket(fileno=control), output)
    except BaseException as error:  # noqa: BLE001  (a forked copy must never return to the loop)
        os.write(2, f"supervisor: {error!r}\n".encode())
        os._exit(1)
    os._exit(0)
