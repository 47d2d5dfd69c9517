"""Weak hashes that are evidently no protection say so."""

import ast

from services.agents.types.security.calls import add_keyword
from services.agents.types.security.code import has_unpacking, text_of
from services.agents.types.security.rule import (
    ADVICE,
    Judgement,
    Spot,
    WeaknessRule,
    code,
    example,
)
from services.agents.types.security.words import names_in, words, words_around
from shared.agent_types import FixBehaviour, FixerDeclaration
from shared.contracts.base import Severity

WEAK = ("md5", "sha1")
FUNCTIONS = frozenset(f"hashlib.{each}" for each in WEAK)
NEW = "hashlib.new"
SINCE = (3, 9)
HARMLESS = frozenset(
    {"cache", "cached", "caching", "memo", "memoize", "etag", "etags", "bucket", "shard"}
    | {"sharding", "partition", "dedup", "dedupe", "deduplicate", "duplicate", "duplicates"}
    | {"gravatar", "avatar", "color", "colour", "slug", "thumbnail"}
)
PROTECTING = frozenset(
    {"password", "passwd", "pwd", "secret", "token", "sign", "signed", "signature", "auth"}
    | {"authenticate", "hmac", "salt", "credential", "credentials", "login", "session", "verify"}
    | {"verified", "csrf", "nonce", "private", "encrypt", "decrypt", "cipher", "certificate"}
    | {"integrity", "trusted", "security", "secure", "permission", "api"}
)


def judge(spot: Spot) -> Judgement:
    """Fix calls whose names around say that the digest only tells things apart."""
    call = spot.call_of({*FUNCTIONS, NEW})
    if call is None or has_unpacking(call) or spot.facts.oldest_python < SINCE:
        return ADVICE
    if (
        spot.code.origin(call.func) == NEW
        and text_of(call.args[0] if call.args else None) not in WEAK
    ):
        return ADVICE
    if any(each.arg == "usedforsecurity" for each in call.keywords):
        return ADVICE
    if not _is_harmless(spot, call):
        return ADVICE
    return spot.rewrite(call, add_keyword("usedforsecurity", "False"))


def _is_harmless(spot: Spot, call: ast.Call) -> bool:
    """Return whether names around a call say what it is for, and none speaks of protection."""
    around = {*words_around(spot.code, call)}
    inside = {w for name in names_in(*call.args) for w in words(name)}
    function = spot.code.function_around(call)
    arguments = (
        [each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)]
        if function
        else []
    )
    inside |= {word for name in arguments for word in words(name)}
    return bool(around & HARMLESS) and not (around | inside) & PROTECTING


RULE = WeaknessRule(
    FixerDeclaration(
        rule="ruff:S324",
        phrase="say which weak hashes protect nothing",
        severity=Severity.WARNING,
        behaviour=FixBehaviour(
            "whether the call is refused where Python is built to refuse weak hashes",
            unless=("digests.says-what-it-is-for",),
        ),
    ),
    judge,
    "MD5 and SHA-1 protect nothing. Where they only tell things apart, saying so lets reviewers "
    "and strict builds of Python know.",
    examples=(
        example(
            """
            import hashlib


            def cache_key(url):
                return hashlib.md5(url.encode()).hexdigest()
            """,
            """
            import hashlib


            def cache_key(url):
                return hashlib.md5(url.encode(), usedforsecurity=False).hexdigest()
            """,
        ),
        example(
            """
            from hashlib import sha1

            etag = sha1(
                body,
            ).hexdigest()
            """,
            """
            from hashlib import sha1

            etag = sha1(
                body,
                usedforsecurity=False,
            ).hexdigest()
            """,
        ),
        example(
            """
            import hashlib

            self.shard = int(hashlib.new('md5', key).hexdigest(), 16)
            """,
            """
            import hashlib

            self.shard = int(hashlib.new('md5', key, usedforsecurity=False).hexdigest(), 16)
            """,
        ),
        example(
            """
            import hashlib

            digest = hashlib.md5(data).hexdigest()
            """,
        ),
        example(
            """
            import hashlib


            def cache_user(password):
                return hashlib.md5(password)
            """,
        ),
        example(
            """
            import hashlib

            cached = hashlib.sha1(token + data).hexdigest()
            """,
        ),
    ),
    left_alone=(
        code(
            """
            import hashlib

            etag = hashlib.md5(body, usedforsecurity=False)
            """
        ),
        code(
            """
            import hashlib

            etag = hashlib.sha256(body)
            """
        ),
        code(
            """
            etag = mine.md5(body)
            """
        ),
    ),
)
