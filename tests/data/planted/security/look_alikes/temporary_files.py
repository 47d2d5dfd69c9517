import tempfile


def folder():
    return tempfile.mkdtemp()


def mktemp(name):
    return f"{tempfile.gettempdir()}/{name}"


def file():
    handle, name = tempfile.mkstemp()
    return handle, name
