"""Security findings by ruff: the rules of bandit. Nothing is proposed by them."""

from pathlib import Path

from shared.contracts.base import Severity
from shared.detectors.ruff.detector import RuffBase

# Left out is what is mostly fine: assert, random, running a program, and imports as such.
_CODES = """
    S102 S103 S104 S105 S106 S107 S108 S110 S112 S113 S201 S202 S301 S302 S306 S307 S308 S310
    S312 S313 S314 S315 S316 S317 S318 S319 S321 S323 S324 S501 S502 S503 S504 S505 S506 S507
    S508 S509 S601 S602 S604 S605 S608 S609 S610 S611 S612 S701 S702 S704
"""
SECURITY_CODES = tuple(_CODES.split())


class RuffSecurityDetector(RuffBase):
    """Findings that open a door to attackers; a change must not add one."""

    name = "ruff_security"
    security = True

    def __init__(self, scratch: Path) -> None:
        super().__init__(scratch, dict.fromkeys(SECURITY_CODES, Severity.WARNING))
