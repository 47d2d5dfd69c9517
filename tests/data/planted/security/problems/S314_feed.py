import xml.etree.ElementTree as ET

import requests


def titles(url):
    root = ET.fromstring(requests.get(url, timeout=10).content)
    return [each.text for each in root.iter("title")]
