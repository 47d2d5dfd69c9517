import hashlib
import pickle
import subprocess

import requests


def accepted(url, data, command):
    """What people looked at and found right."""
    requests.get(url)  # noqa: S113
    pickle.loads(data)  # nosec B301
    subprocess.call(command, shell=True)  # nosec
    return hashlib.md5(data)  # noqa: S324
