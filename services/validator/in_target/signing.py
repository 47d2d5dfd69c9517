"""Signed report lines: only the test session itself can have written them, each in its place.

The key is read and removed before anything of the target is imported, so that nothing that writes
to the report file can invent a line or leave one out. Code that searches this process's memory can
still find the key: passing tests are no security boundary.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from pathlib import Path
from typing import Any

# Of what a test says about its failure, the end is kept.
MAX_DETAIL_CHARACTERS = 2000
OWNER = "GROUNDSWELL_REPORT_OWNER"


class SigningKey:
    """The key that one session signs its lines with; `number` tells it from the other keys."""

    def __init__(self, number: int, secret: bytes) -> None:
        self.number = number
        self.secret = secret
        self.count = 0

    def sign(self, text: str) -> dict[str, Any]:
        """Return the signed line (`key`, `line`, `mac`), valid only in this place of a session."""
        signed = f"{self.number}:{self.count}:{text}".encode()
        self.count += 1
        mac = hmac.new(self.secret, signed, hashlib.sha256).hexdigest()
        return {"key": self.number, "line": text, "mac": mac}


def may_report() -> bool:
    """Return whether a report is wanted from this process, and none of its ancestors gives one."""
    return bool(os.environ.get("GROUNDSWELL_REPORT")) and OWNER not in os.environ


def take_key() -> SigningKey | None:
    """Return the first key left, and remove its file; None if none is, or no report is wanted."""
    folder = os.environ.get("GROUNDSWELL_KEYS", "")
    if not folder or not may_report():
        return None
    for path in sorted(Path(folder).glob("*")):
        secret = path.read_bytes()
        path.unlink()
        return SigningKey(int(path.name), secret)
    return None


def selected() -> frozenset[str] | None:
    """Return the ids of the tests to run; None for all."""
    path = os.environ.get("GROUNDSWELL_SELECT")
    return frozenset(json.loads(Path(path).read_text(encoding="utf-8"))) if path else None


def repeat() -> int:
    """Return how many times each test is run."""
    return int(os.environ.get("GROUNDSWELL_REPEAT", "1"))


class ReportWriter:
    """Appends signed lines to the report at once, and only from the process that made it."""

    def __init__(self, key: SigningKey) -> None:
        os.environ[OWNER] = str(os.getpid())
        self.key = key
        self.pid = os.getpid()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self.fd = os.open(os.environ["GROUNDSWELL_REPORT"], flags, 0o600)

    def write(self, line: dict[str, Any]) -> None:
        """Append one JSON object; nothing in a process that the tests have forked."""
        if os.getpid() == self.pid:
            data = json.dumps(self.key.sign(json.dumps(line))).encode() + b"\n"
            while data:
                data = data[os.write(self.fd, data) :]
