"""Jinja2 environments that make HTML escape what they are given."""

import ast

from services.agents.types.security.calls import add_keyword
from services.agents.types.security.code import has_unpacking, is_constant, keyword_of, text_of
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

ENVIRONMENTS = frozenset({"jinja2.Environment", "jinja2.environment.Environment"})
ESCAPED_SUFFIXES = (".html", ".htm", ".xml")
SELECT = "select_autoescape"


def judge(spot: Spot) -> Judgement:
    """Fix environments that load templates, in files that name such of HTML or XML.

    Where a file makes templates of texts, what is in them is not known.
    """
    call = spot.call_of(ENVIRONMENTS)
    if call is None:
        return ADVICE
    given = keyword_of(call, "autoescape")
    if given is not None:
        return ADVICE if is_constant(given.value, value=False) else DISMISSED
    if has_unpacking(call) or not keyword_of(call, "loader") or not _makes_html(spot):
        return ADVICE
    name = _selector(spot, call)
    return spot.rewrite(call, add_keyword("autoescape", f"{name}()")) if name else ADVICE


def _makes_html(spot: Spot) -> bool:
    """Return whether a file names templates that are escaped, and makes none of texts."""
    nodes = list(ast.walk(spot.code.tree))
    texts = [text_of(each) or "" for each in nodes]
    if any(isinstance(each, ast.Attribute) and each.attr == "from_string" for each in nodes):
        return False
    return any(each.endswith(ESCAPED_SUFFIXES) for each in texts)


def _selector(spot: Spot, call: ast.Call) -> str:
    """Return how the function that selects what is escaped can be written; empty if not at all."""
    if isinstance(call.func, ast.Attribute):
        module = spot.code.origin(call.func.value)
        return f"{spot.code.segment(call.func.value)}.{SELECT}" if module == "jinja2" else ""
    known = spot.code.origin(ast.Name(SELECT)) == f"jinja2.{SELECT}"
    return SELECT if known or spot.code.is_free(SELECT) else ""


RULE = WeaknessRule(
    FixerDeclaration(
        rule="ruff:S701",
        phrase="escape what is put into HTML templates",
        severity=Severity.WARNING,
        commit_type="fix",
        behaviour=FixBehaviour(
            "the output of HTML and XML templates for values with special characters: those that "
            "are meant as markup need `|safe`"
        ),
    ),
    judge,
    "Without autoescape, a value with markup in it becomes part of the page.",
    examples=(
        example(
            """
            import jinja2

            env = jinja2.Environment(loader=x)
            page = env.get_template('a.html')
            """,
            """
            import jinja2

            env = jinja2.Environment(loader=x, autoescape=jinja2.select_autoescape())
            page = env.get_template('a.html')
            """,
        ),
        example(
            """
            from jinja2 import Environment, FileSystemLoader

            env = Environment(
                loader=FileSystemLoader('t'),
            )
            page = env.get_template('a.xml')
            """,
            """
            from jinja2 import Environment, FileSystemLoader, select_autoescape

            env = Environment(
                loader=FileSystemLoader('t'),
                autoescape=select_autoescape(),
            )
            page = env.get_template('a.xml')
            """,
        ),
        example(
            """
            import jinja2

            env = jinja2.Environment()
            """,
        ),
        example(
            """
            import jinja2

            env = jinja2.Environment(autoescape=False)
            """,
        ),
        example(
            """
            import jinja2

            env = jinja2.Environment(loader=x)
            a = env.from_string(t)
            b = env.get_template('a.html')
            """,
        ),
        example(
            """
            import jinja2

            env = jinja2.Environment(loader=x)
            b = env.get_template('a.tex')
            """,
        ),
    ),
    left_alone=(
        code(
            """
            import jinja2

            env = jinja2.Environment(autoescape=True)
            """
        ),
        code(
            """
            import jinja2

            env = jinja2.Environment(autoescape=jinja2.select_autoescape())
            """
        ),
        code(
            """
            import jinja2

            env = jinja2.Environment(autoescape=lambda name: True)
            """
        ),
    ),
    imports=(("jinja2", SELECT),),
)
