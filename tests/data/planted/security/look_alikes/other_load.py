import json

from store import yaml


def load(path):
    return json.load(path.open()), yaml.load(path)
