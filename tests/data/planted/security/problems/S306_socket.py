import socket
import tempfile


def listen():
    # A socket may not exist before it is bound, so the name cannot simply be a file.
    path = tempfile.mktemp(prefix="agent-")
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    return server, path
