import requests


def ping(host):
    return requests.get(f"https://{host}/health", verify=False, timeout=3).ok
