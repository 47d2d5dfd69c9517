import httpx


def get(url):
    # httpx gives up after five seconds by itself.
    return httpx.get(url)
