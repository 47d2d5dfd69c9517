import requests


def get(url, **options):
    return requests.get(url, **options)


def post(url, data):
    return requests.post(url, data=data, timeout=(3, 30))


class Cache:
    def __init__(self):
        self.requests = {}

    def get(self, key):
        return self.requests.get(key)
