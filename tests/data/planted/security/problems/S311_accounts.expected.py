"""Accounts: how people get in."""

import secrets
import string
from datetime import timedelta

RESET_TIME = timedelta(hours=2)
ALPHABET = string.ascii_letters + string.digits


def make_reset_token(length=32):
    """Return a token for the link in the mail."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def initial_password():
    return "".join(
        secrets.SystemRandom().choices(string.ascii_letters + string.digits, k=12)
    )


def otp():
    code = secrets.SystemRandom().randint(0, 999999)
    return f"{code:06}"
