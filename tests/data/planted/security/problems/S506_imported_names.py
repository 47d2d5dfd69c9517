import sys

from yaml import FullLoader, dump, load


def translate(stream):
    found = load(
        stream,
        Loader=FullLoader,
    )
    dump(found, sys.stdout)
