import tarfile
import zipfile


def unpack(path, target):
    with zipfile.ZipFile(path) as archive:
        archive.extractall(target)


def unpack_tar(path, target):
    with tarfile.open(path) as tar:
        tar.extractall(target, filter="tar")
