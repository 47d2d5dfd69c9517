"""Answers to requests about keys of the HTTP API."""

from shared.contracts.base import Value
from shared.contracts.views.keys import KeyView


class KeyMade(Value):
    """A new key. `secret` is its text, which is shown this once and is stored nowhere."""

    key: KeyView
    secret: str
