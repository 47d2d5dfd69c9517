"""Requests that may wait forever get a time-out."""

from services.agents.types.security.calls import add_keyword
from services.agents.types.security.code import has_unpacking, keyword_of
from services.agents.types.security.rule import (
    ADVICE,
    DISMISSED,
    Judgement,
    Spot,
    WeaknessRule,
    code,
    example,
)
from shared.agent_types import FixBehaviour, FixerDeclaration
from shared.contracts.base import Severity

METHODS = ("get", "options", "head", "post", "put", "patch", "delete", "request")
REQUESTS = frozenset(f"requests.{each}" for each in METHODS)
HTTPX = frozenset(f"httpx.{each}" for each in (*METHODS, "stream", "Client", "AsyncClient"))
# requests.request(method, url, ...) and the like take `timeout` by name only.


def judge(spot: Spot) -> Judgement:
    """Fix calls of requests that pass no time-out; an explicit None is somebody's choice."""
    call = spot.call_of(REQUESTS | HTTPX)
    if call is None or keyword_of(call, "timeout"):
        return ADVICE
    if has_unpacking(call):
        # The time-out may well be in there.
        return DISMISSED
    if spot.code.origin(call.func) in HTTPX:
        return DISMISSED
    return spot.rewrite(call, add_keyword("timeout", f"{spot.facts.request_timeout:g}"))


RULE = WeaknessRule(
    FixerDeclaration(
        rule="ruff:S113",
        phrase="let no request wait forever",
        severity=Severity.WARNING,
        commit_type="fix",
        behaviour=FixBehaviour(
            "what happens where the other side keeps silent: the call raises a Timeout"
        ),
    ),
    judge,
    "Without a time-out a silent server holds the caller forever. requests counts it for "
    "connecting and between two parts of the answer, not for the whole answer.",
    examples=(
        example(
            """
            import requests

            r = requests.get(url)
            """,
            """
            import requests

            r = requests.get(url, timeout=60)
            """,
        ),
        example(
            """
            from requests import post

            r = post(
                url,
                json={'a': 1},
            )
            """,
            """
            from requests import post

            r = post(
                url,
                json={'a': 1},
                timeout=60,
            )
            """,
        ),
        example(
            """
            import requests

            r = requests.post(url,
                              data=b)
            """,
            """
            import requests

            r = requests.post(url,
                              data=b,
                              timeout=60)
            """,
        ),
        example(
            """
            import requests

            r = requests.get(url, timeout=None)
            """,
        ),
        example(
            """
            import httpx

            r = httpx.get(url, timeout=None)
            """,
        ),
        example(
            """
            import requests

            r = requests.get(
                url,  # theirs
            )
            """,
        ),
    ),
    left_alone=(
        code(
            """
            import requests

            r = requests.get(url, timeout=5)
            """
        ),
        code(
            """
            import requests

            r = requests.get(url, **options)
            """
        ),
        code(
            """
            import httpx

            r = httpx.get(url)
            """
        ),
        code(
            """
            r = requests.get(url)
            """
        ),
        code(
            """
            from mine import requests

            r = requests.get(url)
            """
        ),
    ),
)
