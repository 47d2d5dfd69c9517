"""Secrets are made by `secrets`, not by the generator that can be predicted."""

import ast
from itertools import pairwise

from services.agents.types.security.calls import set_function
from services.agents.types.security.code import keyword_of, text_of
from services.agents.types.security.rule import (
    ADVICE,
    DISMISSED,
    Judgement,
    Spot,
    WeaknessRule,
    code,
    example,
)
from services.agents.types.security.words import names_in, words, words_around
from shared.agent_types import FixBehaviour, FixerDeclaration
from shared.contracts.base import Severity

# What SystemRandom of `secrets` has under the same name, with the same arguments.
METHODS = frozenset({"choice", "choices", "randint", "randrange"})
FUNCTIONS = frozenset(f"random.{each}" for each in METHODS)
SEEDS = frozenset({"seed", "setstate"})
SECRET_WORDS = frozenset({"password", "passwd", "passphrase", "secret", "otp", "csrf", "salt"})
SECRET_PAIRS = frozenset(
    {("api", "key"), ("secret", "key"), ("session", "id"), ("session", "key"), ("auth", "token")}
    | {("access", "token"), ("reset", "token"), ("refresh", "token"), ("verification", "code")}
    | {("csrf", "token"), ("bearer", "token"), ("auth", "code"), ("recovery", "code")}
)
# With these alone it takes an alphabet to tell that something is to be unguessable.
PERHAPS_SECRET = frozenset({"token", "key", "code", "nonce", "pin"})
ALPHABETS = frozenset(
    {"string.ascii_letters", "string.ascii_lowercase", "string.ascii_uppercase", "string.digits"}
    | {"string.hexdigits", "string.printable", "string.punctuation"}
)
ALPHABET_NAMES = frozenset({"alphabet", "chars", "characters", "letters", "charset"})
MIN_ALPHABET = 10
# Words of statistics, models, games and sampled data, where nothing is to be kept from anybody.
HARMLESS = frozenset(
    {"fake", "faker", "mock", "test", "tests", "example", "dummy", "simulate", "simulation"}
    | {"vocab", "vocabulary", "model", "mask", "masked", "word", "words", "sentence", "tokens"}
    | {"shuffle", "game", "player", "board", "weights", "prob", "probs", "noise", "augment"}
)


def judge(spot: Spot) -> Judgement:
    """Fix calls that evidently make a secret; elsewhere chance need not be unguessable."""
    call = next((e for e in spot.calls() if spot.code.origin(e.func).startswith("random.")), None)
    if call is None or not _makes_secret(spot, call):
        return DISMISSED
    origin = spot.code.origin(call.func)
    module = spot.code.module_name("secrets")
    if origin not in FUNCTIONS or not module or _is_seeded(spot):
        return ADVICE
    method = origin.rpartition(".")[2]
    if method == "choice":
        return spot.rewrite(call, set_function(f"{module}.choice"))
    return spot.rewrite(call, set_function(f"{module}.SystemRandom().{method}"))


def _makes_secret(spot: Spot, call: ast.Call) -> bool:
    """Return whether the names around a call say that it makes a secret."""
    around = words_around(spot.code, call)
    inside = [word for name in names_in(*call.args) for word in words(name)]
    if {*around, *inside} & HARMLESS or keyword_of(call, "weights"):
        return False
    pairs = {*pairwise(around)}
    if {*around} & SECRET_WORDS or pairs & SECRET_PAIRS:
        return True
    return bool({*around} & PERHAPS_SECRET) and _draws_characters(spot, call)


def _draws_characters(spot: Spot, call: ast.Call) -> bool:
    """Return whether what is drawn from is an alphabet."""
    for root in call.args:
        for node in ast.walk(root):
            text = text_of(node) or ""
            named = {w for name in names_in(node) for w in words(name)} & ALPHABET_NAMES
            is_long = len(set(text)) >= MIN_ALPHABET and text.isalnum()
            if spot.code.origin(node) in ALPHABETS or named or is_long:
                return True
    return False


def _is_seeded(spot: Spot) -> bool:
    """Return whether the file seeds a generator, so that somebody counts on what it gives."""
    return any(
        (isinstance(each, ast.Attribute) and each.attr in SEEDS)
        or (isinstance(each, ast.alias) and each.name in SEEDS)
        for each in ast.walk(spot.code.tree)
    )


RULE = WeaknessRule(
    FixerDeclaration(
        rule="ruff:S311",
        phrase="make secrets unpredictable",
        severity=Severity.ERROR,
        commit_type="fix",
        behaviour=FixBehaviour("what is drawn after a seed: it cannot be repeated any more"),
    ),
    judge,
    "What `random` gives can be predicted from what it gave before. `secrets` draws from the "
    "same set with the same probabilities, from the system's source.",
    examples=(
        example(
            """
            import random
            import string


            def make_password(n):
                return ''.join(random.choice(string.ascii_letters) for _ in range(n))
            """,
            """
            import secrets
            import string


            def make_password(n):
                return ''.join(secrets.choice(string.ascii_letters) for _ in range(n))
            """,
        ),
        example(
            """
            import os
            import random

            reset_token = random.randint(0, 9**20)
            x = random.random()
            """,
            """
            import os
            import random
            import secrets

            reset_token = secrets.SystemRandom().randint(0, 9**20)
            x = random.random()
            """,
        ),
        example(
            """
            from random import choices

            CHARS = 'abc'
            token = ''.join(choices(CHARS, k=32))
            """,
            """
            import secrets

            CHARS = 'abc'
            token = ''.join(secrets.SystemRandom().choices(CHARS, k=32))
            """,
        ),
        example(
            """
            import random

            random.seed(1)
            password = random.choice(x)
            """,
        ),
        example(
            """
            import random

            secrets = 1
            password = random.choice(x)
            """,
        ),
    ),
    left_alone=(
        code(
            """
            import random

            token = random.choice(vocab)
            """
        ),
        code(
            """
            import random

            next_token = random.choices(range(9), weights=probs)
            """
        ),
        code(
            """
            import random

            colour = random.choice(colours)
            """
        ),
        code(
            """
            import random


            def fake_password():
                return random.choice(letters)
            """
        ),
        code(
            """
            import random

            key = random.randint(1, 9)
            """
        ),
        code(
            """
            import secrets

            password = secrets.choice(letters)
            """
        ),
    ),
    imports=(("secrets", ""),),
)
