"""tarfile's extractall gets the filter for data."""

import ast

from services.agents.types.security.calls import add_keyword
from services.agents.types.security.code import has_unpacking, keyword_of, text_of
from services.agents.types.security.rule import (
    ADVICE,
    DISMISSED,
    Judgement,
    Spot,
    WeaknessRule,
    code,
    example,
)
from services.agents.types.security.values import made_by
from shared.agent_types import FixBehaviour, FixerDeclaration
from shared.contracts.base import Severity

OPENERS = frozenset({"tarfile.open", "tarfile.TarFile", "tarfile.TarFile.open"})
# Every Python from here on has the filters, and from there on the one for data is the default.
SINCE, DEFAULT_SINCE = (3, 12), (3, 14)
UNFILTERED = "fully_trusted"


def judge(spot: Spot) -> Judgement:
    """Fix archives that are evidently tarfile's, where every supported Python has filters.

    Archives of zipfile take care of their members' names themselves.
    """
    call = next((e for e in spot.calls() if _is_extraction(e)), None)
    if call is None:
        return ADVICE
    assert isinstance(call.func, ast.Attribute)
    given = keyword_of(call, "filter")
    if given is not None:
        return ADVICE if text_of(given.value) == UNFILTERED else DISMISSED
    makers = made_by(spot.code, call.func.value)
    if all(each.startswith("zipfile.") for each in makers):
        return DISMISSED
    if spot.facts.oldest_python >= DEFAULT_SINCE:
        return DISMISSED
    has_members = keyword_of(call, "members") or len(call.args) > 1
    is_plain = not has_unpacking(call) and not has_members
    if not makers <= OPENERS or not is_plain or spot.facts.oldest_python < SINCE:
        return ADVICE
    return spot.rewrite(call, add_keyword("filter", '"data"'))


def _is_extraction(call: ast.Call) -> bool:
    """Return whether a call is one of a method `extractall`."""
    return isinstance(call.func, ast.Attribute) and call.func.attr == "extractall"


RULE = WeaknessRule(
    FixerDeclaration(
        rule="ruff:S202",
        phrase="extract archives inside their folder only",
        severity=Severity.ERROR,
        commit_type="fix",
        behaviour=FixBehaviour(
            "what is extracted: members outside the folder, devices, and links that leave it are "
            "refused, and owners and special permission bits are not taken over"
        ),
    ),
    judge,
    "Members of an archive may be named so that they overwrite files anywhere. Python's filter "
    "for data refuses them.",
    examples=(
        example(
            """
            import tarfile

            with tarfile.open(p) as tar:
                tar.extractall(d)
            """,
            """
            import tarfile

            with tarfile.open(p) as tar:
                tar.extractall(d, filter="data")
            """,
        ),
        example(
            """
            import tarfile

            tarfile.open(p).extractall()
            """,
            """
            import tarfile

            tarfile.open(p).extractall(filter="data")
            """,
        ),
        example(
            """
            import tarfile

            x.extractall(d)
            """,
        ),
        example(
            """
            import tarfile

            tarfile.open(p).extractall(d, members=safe(m))
            """,
        ),
        example(
            """
            import tarfile

            tarfile.open(p).extractall(d, filter='fully_trusted')
            """,
        ),
    ),
    left_alone=(
        code(
            """
            import tarfile, zipfile

            with zipfile.ZipFile(p) as z:
                z.extractall(d)
            """
        ),
        code(
            """
            import tarfile

            tarfile.open(p).extractall(d, filter='data')
            """
        ),
        code(
            """
            import tarfile

            tarfile.open(p).extractall(d, filter='tar')
            """
        ),
    ),
)
