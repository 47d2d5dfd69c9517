import sys

from yaml import dump, safe_load


def translate(stream):
    found = safe_load(
        stream,
    )
    dump(found, sys.stdout)
