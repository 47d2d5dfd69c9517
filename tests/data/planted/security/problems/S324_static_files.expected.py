import hashlib
from pathlib import Path


def etag_of(path: Path) -> str:
    """Return the entity tag of a file."""
    digest = hashlib.md5(usedforsecurity=False)
    digest.update(path.read_bytes())
    return f'"{digest.hexdigest()}"'


class Pages:
    def cache_name(self, url, language):
        return hashlib.sha1(
            f"{language}:{url}".encode(), usedforsecurity=False
        ).hexdigest()[:16]
