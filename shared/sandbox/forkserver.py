"""Forks a supervisor for each command, in milliseconds because all that it needs is loaded.

`main(tier)` with a Unix socket of packets as standard input. Each packet brings two descriptors: the supervisor's end of a conversation
(see `supervisor`), and where the command's output goes. The end of the socket means that whoever
started us is gone; supervisors notice the same by their own conversations.
"""

import gc
import importlib
import os
import signal
import socket

from shared.sandbox import supervisor

PACKET = 16


def main(tier: str) -> None:
    """Serve until nobody is there any more."""
    channel = socket.socket(fileno=os.dup(0))
    # Nobody waits for a supervisor: it says itself how its command ended.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    importlib.import_module(f"shared.sandbox.tiers.{tier}").preload()
    gc.freeze()
    channel.send(b"ready")
    while True:
        packet, descriptors, _, _ = socket.recv_fds(channel, PACKET, 2)
        if not packet:
            return
        if os.fork() == 0:
            channel.close()
            _serve(*descriptors)
        for each in descriptors:
            os.close(each)


def _serve(control: int, output: int) -> None:
    try:
        supervisor.supervise(socket.socket(fileno=control), output)
    except BaseException as error:  # noqa: BLE001  (a forked copy must never go back into the loop)
        os.write(2, f"supervisor: {error!r}\n".encode())
        os._exit(1)
    os._exit(0)
