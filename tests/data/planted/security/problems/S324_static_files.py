import hashlib
from pathlib import Path


def etag_of(path: Path) -> str:
    """Return the entity tag of a file."""
    digest = hashlib.md5()
    digest.update(path.read_bytes())
    return f'"{digest.hexdigest()}"'


class Pages:
    def cache_name(self, url, language):
        return hashlib.sha1(f"{language}:{url}".encode()).hexdigest()[:16]
