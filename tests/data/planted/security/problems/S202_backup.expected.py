import tarfile


def restore(archive, target):
    tar = tarfile.open(archive)
    try:
        tar.extractall(target, filter="data")
    finally:
        tar.close()


def restore_stream(stream):
    with tarfile.open(fileobj=stream, mode="r|gz") as incoming:
        incoming.extractall(path="/var/lib/app", filter="data")
