import defusedxml.ElementTree
import requests


def titles(url):
    root = defusedxml.ElementTree.fromstring(requests.get(url, timeout=10).content)
    return [each.text for each in root.iter("title")]
