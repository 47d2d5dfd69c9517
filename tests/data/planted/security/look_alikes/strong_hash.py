import hashlib
import zlib


def checksum(data):
    return zlib.crc32(data), hashlib.sha256(data).hexdigest()


def cache_key(data):
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
