"""Keys of the API: their text, and what the caller who sends one may do."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime

from shared.contracts.documents.access import ApiKey, Scope

KEY_TEXT = re.compile(r"gs_([0-9a-f]{8})_[0-9a-f]{64}")
INCLUDED = {
    Scope.READ: {Scope.READ},
    Scope.RUN: {Scope.RUN, Scope.READ},
    Scope.APPROVE: {Scope.APPROVE, Scope.READ},
    Scope.ADMIN: set(Scope),
}
# The id and the name of the key in GROUNDSWELL_API_KEY, which is stored nowhere.
LOCAL_KEY = "local"


@dataclass(frozen=True)
class Caller:
    """Whoever sent a request: the key, its scopes, and the targets that exist for it.

    No targets means all of them.
    """

    key_id: str
    name: str
    scopes: frozenset[Scope]
    targets: tuple[str, ...] = ()

    def may(self, scope: Scope) -> bool:
        """Return whether one of the caller's scopes is or includes this one."""
        return any(scope in INCLUDED[each] for each in self.scopes)


EVERYTHING = Caller(key_id=LOCAL_KEY, name=LOCAL_KEY, scopes=frozenset({Scope.ADMIN}))


def key_text(random: bytes) -> str:
    """Return the text of a key, made of 36 random bytes: a prefix to find it by, and 256 bits."""
    return f"gs_{random[:4].hex()}_{random[4:36].hex()}"


def prefix_of(text: str) -> str | None:
    """Return the prefix in the text of a key; None if it is no such text."""
    found = KEY_TEXT.fullmatch(text)
    return found[1] if found else None


def digest_of(text: str) -> str:
    """Return what is stored of a key's text. 256 random bits need no slow hash."""
    return hashlib.sha256(text.encode()).hexdigest()


def same_text(one: str, other: str) -> bool:
    """Return whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def refusal_of(key: ApiKey | None, text: str, now: datetime) -> str:
    """Return the code of why the key with a text is refused; empty if it is valid."""
    if key is None or not same_text(key.digest, digest_of(text)):
        return "wrong_key"
    if key.revoked_at is not None:
        return "revoked_key"
    return "expired_key" if key.expires_at is not None and key.expires_at <= now else ""


def caller_with(key: ApiKey) -> Caller:
    """Return who sends requests with a key."""
    return Caller(key.id, key.name, frozenset(key.scopes), key.targets)
