"""Accounts of customers: their pictures, and their passwords."""

import hashlib
import random
import string

AVATARS = "https://avatars.example.com"


def avatar_url(email, size=80):
    """The address of a customer's picture, which the avatar service finds by a digest."""
    digest = hashlib.md5(email.strip().lower().encode()).hexdigest()
    return f"{AVATARS}/{digest}?s={size}"


def reset_token(length=24):
    """A token for a link with which a password can be changed."""
    return "".join(random.choice(string.ascii_letters + string.digits) for _ in range(length))
