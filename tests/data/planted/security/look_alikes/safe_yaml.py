import yaml


class LineLoader(yaml.SafeLoader):
    """Remembers the lines of what it loads."""


def read(text):
    return yaml.safe_load(text)


def read_with_lines(text):
    return yaml.load(text, Loader=LineLoader)


def read_fast(text):
    return yaml.load(text, Loader=yaml.CSafeLoader)
