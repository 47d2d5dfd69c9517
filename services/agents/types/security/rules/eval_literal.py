"""eval of a literal becomes ast.literal_eval."""

import ast

from services.agents.types.security.calls import set_function
from services.agents.types.security.code import text_of
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
from shared.behaviour.conditions.literals import is_plain_literal
from shared.contracts.base import Severity


def judge(spot: Spot) -> Judgement:
    """Fix calls whose text is the same literal for both functions; any other is advice.

    In another constant nobody else has a say.
    """
    call = next(iter(spot.calls()), None)
    if call is None or not isinstance(call.func, ast.Name) or call.func.id != "eval":
        return ADVICE
    text = text_of(call.args[0]) if call.args else None
    if text is None:
        return ADVICE
    if not is_plain_literal(text):
        return DISMISSED
    module = spot.code.module_name("ast")
    if len(call.args) != 1 or call.keywords or not module or not spot.code.origin(call.func):
        return ADVICE
    return spot.rewrite(call, set_function(f"{module}.literal_eval"))


RULE = WeaknessRule(
    FixerDeclaration(
        rule="ruff:S307",
        phrase="read literals without eval",
        severity=Severity.ERROR,
        behaviour=FixBehaviour(
            "what a text that is no literal does", unless=("literals.evaluated-literal",)
        ),
    ),
    judge,
    "eval runs whatever is in the text; ast.literal_eval reads literals only.",
    examples=(
        example(
            """
            x = eval('[1, (2, -3)]')
            """,
            """
            import ast

            x = ast.literal_eval('[1, (2, -3)]')
            """,
        ),
        example(
            """
            import os
            import sys

            x = eval("{'a': None}")
            """,
            """
            import ast
            import os
            import sys

            x = ast.literal_eval("{'a': None}")
            """,
        ),
        example(
            """
            x = eval(y)
            """,
        ),
        example(
            """
            ast = 1
            x = eval('[1]')
            """,
        ),
    ),
    left_alone=(
        code(
            """
            x = eval('1 + 2')
            """
        ),
        code(
            """
            x = eval('set()')
            """
        ),
        code(
            """
            x = eval('a', names)
            """
        ),
        code(
            """
            x = y.eval('[1]')
            """
        ),
        code(
            """
            import ast

            x = ast.literal_eval(y)
            """
        ),
    ),
    imports=(("ast", ""),),
)
