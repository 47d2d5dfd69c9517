"""Lines of a report that only the test session can have written, each in its place.

Each line is signed with a key that is read and removed before anything of the target is imported, so
that a line can be neither made up nor left out by who writes to the file. Code that searches this
process's memory can still find it: passing tests are no security boundary.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from pathlib import Path
from typing import Any

DETAIL = 2000
OWNER = "GROUNDSWELL_REPORT_OWNER"


class Key:
    """What one session signs its lines with; `number` says which of the keys that were laid out."""

    def __init__(self, number: int, secret: bytes) -> None:
        self.number = number
        self.secret = secret
        self.count = 0

    def sign(self, text: str) -> dict[str, Any]:
        """The line as it is written: it can only stand in this place of this session."""
        signed = f"{self.number}:{self.count}:{text}".encode()
        self.count += 1
        mac = hmac.new(self.secret, signed, hashlib.sha256).hexdigest()
        return {"key": self.number, "line": text, "mac": mac}


def may_report() -> bool:
    """Whether this process is asked for a report, and none above it gives one."""
    return bool(os.environ.get("GROUNDSWELL_REPORT")) and OWNER not in os.environ


def take_key() -> Key | None:
    """The first key that no session before this one has taken; the file is gone afterwards."""
    folder = os.environ.get("GROUNDSWELL_KEYS", "")
    if not folder or not may_report():
        return None
    for path in sorted(Path(folder).glob("*")):
        secret = path.read_bytes()
        path.unlink()
        return Key(int(path.name), secret)
    return None


def selected() -> frozenset[str] | None:
    """The ids of the tests to run; None where all are."""
    path = os.environ.get("GROUNDSWELL_SELECT")
    return frozenset(json.loads(Path(path).read_text(encoding="utf-8"))) if path else None


def repeat() -> int:
    """How often each test is run."""
    return int(os.environ.get("GROUNDSWELL_REPEAT", "1"))


class Lines:
    """Every line is written at once and by this process alone, whatever the tests fork or break."""

    def __init__(self, key: Key) -> None:
        os.environ[OWNER] = str(os.getpid())
        self.key = key
        self.pid = os.getpid()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self.fd = os.open(os.environ["GROUNDSWELL_REPORT"], flags, 0o600)

    def write(self, line: dict[str, Any]) -> None:
        """One JSON object."""
        if os.getpid() == self.pid:
            data = json.dumps(self.key.sign(json.dumps(line))).encode() + b"\n"
            while data:
                data = data[os.write(self.fd, data) :]
